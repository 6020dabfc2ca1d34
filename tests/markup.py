"""A page of HTML taken apart: its elements with their attributes, its texts, and what it asks for."""

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img"}
# Attributes by which a document fetches something.
FETCHING = {"src", "href", "srcset", "data", "action", "poster", "xlink:href", "background"}


class Markup(HTMLParser):
    """Elements as (tag, attributes); every end is checked against its start."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.elements = []
        self.texts = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if data.strip() and "style" not in self.open:
            self.texts.append(" ".join(data.split()))

    @property
    def text(self):
        """Everything that is to be read."""
        return " ".join(self.texts)

    def of(self, tag):
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def fetched(self):
        """What the page asks for, links inside it aside."""
        found = [
            value
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name in FETCHING and not (value or "").startswith("#")
        ]
        return [value for value in found if value != "data:,"]
