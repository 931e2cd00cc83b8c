# Gone: see daemon/rules.mk, tests/rules.mk, actors/rules.mk (plug-ins of the tree), bench/rules.mk, packaging/rules.mk.
