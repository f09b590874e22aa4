"""The search engine tantivy, as its users set it up: stems, accents folded, names count twice, BM25."""

from tantivy import Document, Filter, Index, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

FIELDS = ["name", "description"]


class Tantivy:
    """Products that hold one of the words, best first; where none does, words may go on and have one error."""

    def __init__(self, catalogue):
        self.indexes = {shop: index(shop, products) for shop, products in catalogue.items()}

    def find(self, shop, typed, limit):
        held, boosts = self.indexes[shop], {"name": 2.0}
        for settings in ({}, {"fuzzy_fields": {field: (True, 1, True) for field in FIELDS}}):
            query, _ = held.parse_query_lenient(typed, FIELDS, boosts, **settings)
            searcher = held.searcher()
            found = [searcher.doc(address)["stored"][0] for _, address in searcher.search(query, limit).hits]
            if found:
                return found
        return []


def index(language, products):
    analyzer = (
        TextAnalyzerBuilder(Tokenizer.simple())
        .filter(Filter.lowercase())
        .filter(Filter.ascii_fold())
        .filter(Filter.stemmer(language))
        .build()
    )
    schema = SchemaBuilder()
    for field in FIELDS:
        schema.add_text_field(field, tokenizer_name="shop")
    schema.add_text_field("stored", stored=True, tokenizer_name="raw")
    held = Index(schema.build())
    held.register_tokenizer("shop", analyzer)
    # One thread, so that what fits alike stands in the same order each time.
    writer = held.writer(num_threads=1)
    for product in products:
        writer.add_document(Document(name=product.name, description=product.description, stored=product.name))
    writer.commit()
    held.reload()
    return held
