"""Options about data that commands share: which they are, how they are split, what columns are."""

from dnncli.cli.command import section
from dnncli.cli.options import option
from dnncli.cli.types import AmountOrFile, Bytes, DataSource, Name
from dnncli.spec import catalog, objective

task = option(
    "--task",
    type=Name(objective.TASKS, "task"),
    help="What the target is: classes, or a number to predict.",
)
data = section(
    "Data",
    option(
        "--data",
        type=DataSource(),
        metavar="NAME|PATH",
        help="`digits`, a table (.csv, .tsv, .parquet, .json), a folder of images by class or of"
        " IDX files, or an .npz file.",
    ),
    task,
    option(
        "--validation",
        type=AmountOrFile(),
        help="Validation examples: a number, a fraction, or a table in a file of its own.",
    ),
    option(
        "--test",
        type=AmountOrFile(),
        help="Test examples: a number, a fraction, or a table in a file of its own.",
    ),
    option(
        "--split-seed",
        type=int,
        default="one split, by the rows' places",
        help="Draw validation and test examples anew, by this seed and the rows' values: whatever"
        " their order, the result is the same.",
    ),
    option("--scale", type=Name(catalog.SCALINGS, "scaling"), help="How features are scaled."),
    option("--classes", metavar="LIST", help="Only these classes: 0-4 or 0,1,7."),
    option(
        "--class-weight",
        metavar="balanced|NAME=W,…",
        help="How much an example of a class counts in the loss; balanced: every class alike.",
    ),
    option("--per-class", type=int, help="Only the first N training examples of each class."),
    option(
        "--validation-per-class",
        type=int,
        help="Only the first N validation examples of each class.",
    ),
)

memory = section(
    "Data",
    option(
        "--memory",
        type=Bytes(),
        default="a third of the machine's",
        help="What a table's examples may take. Larger ones are encoded once on the disk, in the"
        " cache folder, and trained on block by block.",
    ),
)

tables = section(
    "Tables",
    option(
        "--target",
        metavar="COLUMN",
        default="the last",
        help="Column to predict: its name or number, from 1; a,b predicts several numbers.",
    ),
    option(
        "--weight",
        metavar="COLUMN",
        help="Column that says how much each row counts in the loss; not a feature.",
    ),
    option(
        "--group",
        metavar="COLUMN",
        help="Column, such as a person, whose rows of one value all train, all validate or all"
        " test; not a feature.",
    ),
    option(
        "--time",
        metavar="COLUMN",
        help="Column by which the latest rows test and those before them validate; folds are tested"
        " on what follows. Not a feature.",
    ),
    option("--drop", metavar="COLUMN,…", help="Columns to leave out."),
    option(
        "--types",
        metavar="COLUMN=KIND,…",
        default="found out",
        help="What columns are, number, category, date, day-first or month-first:"
        " zip=category,x*=number.",
    ),
    option(
        "--categories",
        type=Name(catalog.CATEGORIES, "way of categories"),
        help="How categories become features: by their levels, or by their effect on the target.",
    ),
    option(
        "--missing",
        metavar="COLUMN=VALUE,…",
        default="found out",
        help="Values that stand for missing: age=-9,x*=999; x=none: none does.",
    ),
    option(
        "--where",
        metavar="SQL",
        help="Only rows for which this holds: 'age > 17 AND job IS NOT NULL'.",
    ),
    option(
        "--label-strip", metavar="CHARS", help="Characters to take off both ends of every label."
    ),
    option("--delimiter", metavar="CHAR", default="found out", help="What stands between fields."),
    option(
        "--encoding", metavar="NAME", default="found out", help="Encoding of text: utf-8, cp1252."
    ),
    option(
        "--header/--no-header",
        default="found out",
        help="Whether the first line names the columns.",
    ),
)
