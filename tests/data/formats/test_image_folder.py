"""Folders of images by class, pixel by pixel, and what is said of files that do not fit."""

import numpy as np
import pytest

from dnncli.data import features, load
from dnncli.data.formats import image_folder
from dnncli.data.rows import Rows
from dnncli.errors import DataError, SpecError
from dnncli.spec import DataSpec

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)


def image(folder, name, shape=(3, 4), mode=None):
    """A file of random pixels, and these."""
    pixels = RNG.integers(0, 256, shape).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    made = Image.fromarray(pixels)
    (made.convert(mode) if mode else made).save(folder / name)
    return pixels


@pytest.fixture
def grey(tmp_path):
    """Ten images of each of the classes 9 and 10, and their pixels."""
    pixels = {
        (label, i): image(tmp_path / "f" / label, f"{i}.png")
        for label in ["9", "10"]
        for i in range(12)
    }
    (tmp_path / "f" / "9" / ".DS_Store").write_text("")
    (tmp_path / "f" / "9" / "Thumbs.db").write_text("")
    return tmp_path / "f", pixels


def test_grey_images_stay_bytes_in_natural_order(grey):
    folder, pixels = grey
    source = image_folder.read(folder)
    assert source.class_names == ("9", "10")
    assert source.image_shape == (3, 4)
    expected = [pixels[label, i].reshape(-1) for label in ("9", "10") for i in range(12)]
    np.testing.assert_array_equal(source.train.x, expected)
    assert source.train.x.dtype == np.uint8
    assert source.train.y.tolist() == [0] * 12 + [1] * 12
    dataset = load(DataSpec(data=str(folder)))
    assert isinstance(dataset.train.x, features.Unscaled)
    assert dataset.train.x[:].max() <= 1


def test_one_image_in_colour_makes_all_of_them_colour(grey):
    folder, pixels = grey
    colour = image(folder / "10", "c.png", (3, 4, 3))
    source = image_folder.read(folder)
    np.testing.assert_array_equal(source.train.x[-1], colour.reshape(-1))
    np.testing.assert_array_equal(source.train.x[0], np.repeat(pixels["9", 0].reshape(-1), 3))
    assert source.image_shape is None
    assert source.notices[0].facts["mode"] == "RGB"


def test_jpegs_are_as_pillow_reads_them_and_other_modes_become_grey_or_colour(tmp_path):
    image(tmp_path / "a", "x.JPG")
    image(tmp_path / "b" / "deeper", "y.png", mode="1")
    source = image_folder.read(tmp_path)
    expected = np.asarray(Image.open(tmp_path / "a" / "x.JPG")).reshape(-1)
    np.testing.assert_array_equal(source.train.x[0], expected)
    assert set(source.train.x[1].tolist()) <= {0, 255}
    image(tmp_path / "b", "z.png", (3, 4, 4))
    assert image_folder.read(tmp_path).train.x.shape == (3, 36)


def test_folders_of_splits_hold_what_they_are_called(tmp_path):
    for part, count in (("train", 4), ("test", 3), ("val", 2)):
        for label in ("cat", "dog"):
            for i in range(count):
                image(tmp_path / part / label, f"{i}.png")
    dataset = load(DataSpec(data=str(tmp_path)))
    assert [len(s) for s in (dataset.train, dataset.validation, dataset.test)] == [8, 4, 6]
    image(tmp_path / "test" / "bird", "0.png")
    with pytest.raises(DataError, match=r"bird: no class is called so; there are cat, dog"):
        load(DataSpec(data=str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"hello", r"notes\.txt is not an image"),
        ("broken.png", b"\x89PNG\r\n\x1a\nrest", r"broken\.png is not a sound image"),
        ("empty.png", b"", r"empty\.png is not a sound image"),
    ],
)
def test_a_file_that_is_not_an_image_is_named(grey, name, content, message):
    folder, _ = grey
    (folder / "9" / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load(DataSpec(data=str(folder)))
    assert str(caught.value).isprintable()


def test_cut_files_other_sizes_and_deep_pixels_are_refused(grey):
    folder, _ = grey
    sound = (folder / "9" / "0.png").read_bytes()
    (folder / "9" / "0.png").write_bytes(sound[:50])
    with pytest.raises(DataError, match=r"0\.png is not a sound image"):
        image_folder.read(folder)
    (folder / "9" / "0.png").write_bytes(sound)
    image(folder / "10", "z.png", (5, 4))
    with pytest.raises(DataError, match=r"z\.png is 5 × 4 pixels, .*0\.png 3 × 4: .*'4x3!'\.$"):
        image_folder.read(folder)
    Image.fromarray(np.zeros((3, 4), np.uint16)).save(folder / "10" / "z.png")
    with pytest.raises(DataError, match=r"z\.png has pixels of the kind I;16: 8 bits"):
        image_folder.read(folder)


def test_options_of_tables_and_numbers_to_predict_have_no_use(grey):
    folder, _ = grey
    with pytest.raises(SpecError, match="--target: only tables have columns"):
        load(DataSpec(data=str(folder), target="x"))
    with pytest.raises(SpecError, match="--task regression: the labels"):
        load(DataSpec(data=str(folder), task="regression"))


def test_images_to_predict_carry_their_names(grey):
    folder, pixels = grey
    rows = Rows(str(folder / "9"), None)
    (x,) = rows.blocks(12)
    np.testing.assert_array_equal(x, [pixels["9", i].reshape(-1) for i in range(12)])
    assert rows.carried.take(3) == [["0.png", "1.png", "2.png"]]
    (colour,) = Rows(str(folder / "9"), None).blocks(36)
    np.testing.assert_array_equal(colour[:, ::3], x)
    with pytest.raises(DataError, match="images of 3 × 4 pixels, but the network takes 13"):
        list(Rows(str(folder / "9"), None).blocks(13))


def test_a_class_may_have_a_digit_that_is_not_decimal(tmp_path):
    for name in ("m2", "m²", "m10"):
        image(tmp_path / name, "a.png", (3, 4))
    assert image_folder.read(tmp_path).class_names == ("m2", "m10", "m²")
