"""Import contracts of our own: modules private to their context, a short list of what may be imported, and by whom."""

from collections.abc import Iterable, Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

# Any: import-linter's fields become values when the contract is made.
Breach = tuple[str, str]


def within(module: str, packages: Iterable[str]) -> bool:
    """Tell whether a module is one of these or lies in one of them."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def imports(graph: ImportGraph) -> Iterator[Breach]:
    """Return every direct import as importer and imported."""
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            yield importer, imported


class _Listed(Contract):
    """A contract that is broken by the imports it finds."""

    def breaches(self, graph: ImportGraph) -> list[Breach]:
        raise NotImplementedError

    def check(self, graph: ImportGraph, verbose: bool) -> Any:
        found = self.breaches(graph)
        return ContractCheck(kept=not found, metadata={"breaches": found})

    def render_broken_contract(self, check: Any) -> None:
        for importer, imported in check.metadata["breaches"]:
            output.print_error(f"{importer} imports {imported}")


class PrivateModules(_Listed):
    """Modules of this name in each context are for that context alone."""

    container: Any = fields.StringField()
    modules: Any = fields.StringField()

    def breaches(self, graph: ImportGraph) -> list[Breach]:
        return [
            (importer, imported)
            for importer, imported in imports(graph)
            if (context := self._owner(imported)) and not within(importer, [context])
        ]

    def _owner(self, module: str) -> str | None:
        parts = module.split(".")
        private = len(parts) > 2 and parts[0] == self.container and parts[2] == self.modules
        return ".".join(parts[:2]) if private else None


class AllowedImports(_Listed):
    """Of our own packages these modules may import only the listed ones, and each other."""

    source_modules: Any = fields.ListField(subfield=fields.StringField())
    allowed_modules: Any = fields.ListField(subfield=fields.StringField(), required=False)

    def breaches(self, graph: ImportGraph) -> list[Breach]:
        sources = list(self.source_modules)
        allowed = [*sources, *(self.allowed_modules or [])]
        return [
            (importer, imported)
            for importer, imported in imports(graph)
            if within(importer, sources)
            and not graph.is_module_squashed(imported)
            and not within(imported, allowed)
        ]


class OnlyImporters(_Listed):
    """A package that only the listed modules may import."""

    module: Any = fields.StringField()
    importers: Any = fields.ListField(subfield=fields.StringField())

    def breaches(self, graph: ImportGraph) -> list[Breach]:
        return [
            (importer, imported)
            for importer, imported in imports(graph)
            if within(imported, [self.module]) and importer not in list(self.importers)
        ]
