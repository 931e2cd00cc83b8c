# What is built from what. Each folder is one static archive; the lists of archives below are the
# layering: an archive may use what stands to the right of it.

FOLDERS = base proto core sync io supervise config process bridge control plugin worker master clients units requests trouped symbolize ctl
dir_base = daemon/base
dir_proto = proto
dir_core = daemon/core
dir_sync = daemon/sync
dir_io = daemon/io
dir_supervise = daemon/supervise
dir_config = daemon/config
dir_process = daemon/process
dir_bridge = daemon/bridge
dir_control = daemon/control
dir_plugin = daemon/plugin
dir_worker = daemon/worker
dir_master = daemon/master
dir_clients = daemon/clients
dir_units = daemon/units
dir_requests = daemon/requests
dir_trouped = daemon/trouped
dir_symbolize = daemon/symbolize
dir_ctl = ctl

# Files with a main() of their own: not in the archives.
MAINS = daemon/worker/main.c daemon/trouped/main.c daemon/symbolize/main.c ctl/main.c proto/troupe-gen.c

LIBS_worker = worker plugin io sync core bridge proto base
LIBS_trouped = trouped requests units clients master process config control supervise proto base
LIBS_symbolize = symbolize base
LIBS_ctl    = ctl proto base
LIBS_gen    = proto base

# Interfaces that the host's own processes speak, as C.
HOST_INTERFACES = $(wildcard proto/*.varlink)
HOST_HEADERS = $(patsubst proto/%,$(BUILD)/gen/%.h,$(HOST_INTERFACES))

BINARIES = $(BUILD)/trouped $(BUILD)/troupe-worker $(BUILD)/troupe-symbolize $(BUILD)/troupectl $(BUILD)/troupe-gen

.DELETE_ON_ERROR:
all: $(BINARIES)

# What the sources must know of the installation: config.h; and of the release and what its worker exports: release.h. Apart,
# since what speaks in an interface's name depends on the latter only, and need not be made again for another PREFIX. Touched
# only when they change.
CONFIG_H = $(BUILD)/gen/config.h $(BUILD)/gen/release.h
SDK_SYMBOLS := $(shell sed -n 's/^\t\([a-z0-9_]*\);$$/"\1",/p' daemon/plugin/sdk.symbols)
define TEXT_OF_config
/* config.h - where this build is meant to live; made by make. */
#ifndef TROUPE_CONFIG_H
#define TROUPE_CONFIG_H
#include "release.h"
#define TROUPE_LIBEXECDIR "$(libexecdir)"
#define TROUPE_PLUGINDIR "$(plugindir)"
#define TROUPE_SYSCONFDIR "$(sysconfdir)"
#endif
endef
define TEXT_OF_release
/* release.h - which release this is, and what its worker exports; made by make. */
#ifndef TROUPE_RELEASE_H
#define TROUPE_RELEASE_H
#define TROUPE_VERSION "$(VERSION)"
#define TROUPE_SDK_SYMBOLS $(SDK_SYMBOLS)
#endif
endef
export TEXT_OF_config TEXT_OF_release
$(CONFIG_H): $(BUILD)/gen/%.h: FORCE
	@mkdir -p $(@D)
	@new=$@.$$$$; printf '%s\n' "$$TEXT_OF_$*" > $$new; \
		if cmp -s $$new $@; then rm $$new; else mv $$new $@; fi
.PHONY: FORCE
FORCE:

define folder_rules
sources_$(1) = $$(filter-out $$(MAINS),$$(wildcard $$(dir_$(1))/*.c))
objects_$(1) = $$(patsubst %.c,$$(BUILD)/%.o,$$(sources_$(1)))
$$(BUILD)/$(1).a: $$(objects_$(1))
	@rm -f $$@
	$$(call quiet,AR)$$(AR) rcs $$@ $$^
-include $$(wildcard $$(BUILD)/$$(dir_$(1))/*.d)
endef
$(foreach folder,$(FOLDERS),$(eval $(call folder_rules,$(folder))))

$(BUILD)/%.o: %.c | $(CONFIG_H)
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Everything above the two lowest folders may use the host's interfaces.
$(foreach folder,core sync io supervise config process bridge control plugin worker master clients units requests trouped ctl,$(objects_$(folder))): | $(HOST_HEADERS)
$(patsubst %.c,$(BUILD)/%.o,$(filter-out proto/troupe-gen.c,$(MAINS))): | $(HOST_HEADERS)

# The names that io.troupe.Control would take by itself are those of daemon/control/.
GEN_OPTIONS_io.troupe.Control = --prefix api

$(BUILD)/gen/%.varlink.h: proto/%.varlink $(BUILD)/troupe-gen
	@mkdir -p $(@D)
	$(call quiet,GEN)$(BUILD)/troupe-gen --host $(GEN_OPTIONS_$*) -o $@ $<

archives = $(patsubst %,$(BUILD)/%.a,$(1))

$(BUILD)/troupe-gen: $(BUILD)/proto/troupe-gen.o $(call archives,$(LIBS_gen))
	$(call quiet,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lev -lm

$(BUILD)/trouped: $(BUILD)/daemon/trouped/main.o $(call archives,$(LIBS_trouped))
	$(call quiet,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lev -lsystemd -lm

# Only plug-ins use most of the SDK: without these the linker would leave it out.
SDK_NEEDED := $(shell sed -n 's/^\t\([a-z0-9_]*\);$$/-Wl,-u,\1/p' daemon/plugin/sdk.symbols)

# The worker exports the SDK, and what stands in for libc, and nothing else, to its plug-ins.
EXPORTS_worker := daemon/plugin/sdk.symbols daemon/worker/exit.symbols
$(BUILD)/troupe-worker: $(BUILD)/daemon/worker/main.o $(call archives,$(LIBS_worker)) $(EXPORTS_worker)
	$(call quiet,LD)$(CC) $(ALL_LDFLAGS) $(addprefix -Wl$(comma)--dynamic-list=,$(EXPORTS_worker)) -o $@ \
		$(SDK_NEEDED) $(filter-out %.symbols,$^) -lev -lnanomsg $(FCONTEXT) -ldl -lm

$(BUILD)/troupe-symbolize: $(BUILD)/daemon/symbolize/main.o $(call archives,$(LIBS_symbolize))
	$(call quiet,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ -ldw

$(BUILD)/troupectl: $(BUILD)/ctl/main.o $(call archives,$(LIBS_ctl))
	$(call quiet,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lev -lm
