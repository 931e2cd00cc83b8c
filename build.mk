# What is built from what. Each folder is one static archive; the lists of archives below are the
# layering: an archive may use what stands to the right of it.

FOLDERS = base proto core supervise bridge control plugin worker master ctl
dir_base = daemon/base
dir_proto = proto
dir_core = daemon/core
dir_supervise = daemon/supervise
dir_bridge = daemon/bridge
dir_control = daemon/control
dir_plugin = daemon/plugin
dir_worker = daemon/worker
dir_master = daemon/master
dir_ctl = ctl

# Files with a main() of their own: not in the archives.
MAINS = daemon/worker/main.c daemon/master/main.c ctl/main.c proto/troupe-gen.c

LIBS_worker = worker plugin core bridge proto base
LIBS_master = master control supervise proto base
LIBS_ctl    = ctl proto base
LIBS_gen    = proto base

# Interfaces that the host's own processes speak, as C.
HOST_INTERFACES = $(wildcard proto/*.varlink)
HOST_HEADERS = $(patsubst proto/%,$(BUILD)/gen/%.h,$(HOST_INTERFACES))

BINARIES = $(BUILD)/trouped $(BUILD)/troupe-worker $(BUILD)/troupectl $(BUILD)/troupe-gen

.DELETE_ON_ERROR:
.PHONY: all
all: $(BINARIES)

define folder_rules
sources_$(1) = $$(filter-out $$(MAINS),$$(wildcard $$(dir_$(1))/*.c))
objects_$(1) = $$(patsubst %.c,$$(BUILD)/%.o,$$(sources_$(1)))
$$(BUILD)/$(1).a: $$(objects_$(1))
	@rm -f $$@
	$$(AR) rcs $$@ $$^
-include $$(wildcard $$(BUILD)/$$(dir_$(1))/*.d)
endef
$(foreach folder,$(FOLDERS),$(eval $(call folder_rules,$(folder))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Everything above the two lowest folders may use the host's interfaces.
$(foreach folder,core supervise bridge control plugin worker master ctl,$(objects_$(folder))): | $(HOST_HEADERS)
$(patsubst %.c,$(BUILD)/%.o,$(filter-out proto/troupe-gen.c,$(MAINS))): | $(HOST_HEADERS)

$(BUILD)/gen/%.varlink.h: proto/%.varlink $(BUILD)/troupe-gen
	@mkdir -p $(@D)
	$(BUILD)/troupe-gen --host -o $@ $<

archives = $(patsubst %,$(BUILD)/%.a,$(1))

$(BUILD)/troupe-gen: $(BUILD)/proto/troupe-gen.o $(call archives,$(LIBS_gen))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -ljansson -lev -lm

$(BUILD)/trouped: $(BUILD)/daemon/master/main.o $(call archives,$(LIBS_master))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -ljansson -lev -lsystemd -lm

# The worker exports the SDK, and nothing else, to its plug-ins.
$(BUILD)/troupe-worker: $(BUILD)/daemon/worker/main.o $(call archives,$(LIBS_worker)) daemon/plugin/sdk.symbols
	$(CC) $(ALL_LDFLAGS) -Wl,--dynamic-list=daemon/plugin/sdk.symbols -o $@ \
		$(filter-out %.symbols,$^) -ljansson -lev -lnanomsg -ldl -lm

$(BUILD)/troupectl: $(BUILD)/ctl/main.o $(call archives,$(LIBS_ctl))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -ljansson -lev -lm

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
