# Unit tests: tests/unit/FOLDER/test_*.c, each a program, linked with what its folder may use.
UNIT_base      = base
UNIT_proto     = proto base
UNIT_core      = core proto base
UNIT_supervise = supervise proto base
UNIT_bridge    = bridge proto base
UNIT_control   = control proto base
UNIT_plugin    = plugin core proto base
UNIT_worker    = worker plugin core bridge proto base
UNIT_master    = master control supervise proto base
UNIT_ctl       = ctl proto base

define unit_rules
unit_$(1) = $$(patsubst %.c,$$(BUILD)/%,$$(wildcard tests/unit/$(1)/test_*.c))
UNIT_TESTS += $$(unit_$(1))
$$(unit_$(1)): $$(BUILD)/%: $$(BUILD)/%.o $$(call archives,$$(UNIT_$(1)))
	$$(CC) $$(ALL_LDFLAGS) -Wl,--dynamic-list=daemon/plugin/sdk.symbols -o $$@ $$^ -lcmocka -ljansson -lev -lnanomsg -lsystemd -ldl -lm
$$(patsubst %,%.o,$$(unit_$(1))): | $$(HOST_HEADERS)
.PHONY: unit-$(1)
unit-$(1): $$(unit_$(1))
	@for t in $$^; do echo "== $$$$t"; $$$$t || exit 1; done
-include $$(wildcard $$(BUILD)/tests/unit/$(1)/*.d)
endef
$(foreach folder,$(FOLDERS),$(eval $(call unit_rules,$(folder))))
