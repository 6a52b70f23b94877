"""The import contracts of our own see the breaches they are for."""

from grimp import ImportGraph

from tests.architecture.imports import AllowedImports, OnlyImporters, PrivateModules, _Listed


def graph_of(*imports: tuple[str, str]) -> ImportGraph:
    graph = ImportGraph()
    for importer, imported in imports:
        graph.add_import(importer=importer, imported=imported)
    return graph


def contract(kind: type[_Listed], **options: object) -> _Listed:
    made = kind("a contract", {}, {key: value for key, value in options.items()})
    assert isinstance(made, _Listed)
    return made


def test_the_tables_of_another_context_are_private():
    tables = contract(PrivateModules, container="domain", modules="tables")
    graph = graph_of(
        ("domain.sites.operations", "domain.sites.tables"),
        ("domain.access.operations.gates", "domain.sites.tables"),
        ("server.gateway", "domain.access.tables.place"),
        ("server.gateway", "domain.access.operations"),
    )

    assert tables.breaches(graph) == [
        ("domain.access.operations.gates", "domain.sites.tables"),
        ("server.gateway", "domain.access.tables.place"),
    ]


def test_only_the_listed_modules_are_allowed():
    simulators = contract(AllowedImports, source_modules=["simulators"], allowed_modules=["gate_bridge.wire"])
    graph = graph_of(
        ("simulators.turnstile", "gate_bridge.wire"),
        ("simulators.turnstile", "simulators.journal"),
        ("simulators.turnstile", "gate_bridge.client"),
        ("server.app", "gate_bridge.client"),
    )

    assert simulators.breaches(graph) == [("simulators.turnstile", "gate_bridge.client")]


def test_only_the_listed_importers_may_import():
    paho = contract(OnlyImporters, module="paho", importers=["gate_bridge.client"])
    graph = graph_of(("gate_bridge.client", "paho"), ("gate_bridge.decide", "paho"))

    assert paho.breaches(graph) == [("gate_bridge.decide", "paho")]
