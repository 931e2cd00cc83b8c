# Unit tests: tests/unit/FOLDER/test_*.c, each a program, linked with what its folder may use. Those
# called test_sim_*.c run on the simulated loop: standing before the archives, it keeps the real one out.
# So do those that stand on the stage of a simulated master, sim/stage.h.
# With core/ the loop's seed also decides which actor is next: likewise.
SIM_LOOP = $(BUILD)/tests/unit/sim/loop.o $(BUILD)/tests/unit/sim/crew.o
SIM_TURN = $(BUILD)/tests/unit/sim/turn.o
$(SIM_TURN): | $(HOST_HEADERS)
-include $(SIM_LOOP:.o=.d) $(SIM_TURN:.o=.d)
SIM_STAGE = $(BUILD)/tests/unit/sim/stage.o $(BUILD)/tests/unit/sim/stage_worker.o
$(SIM_STAGE): | $(HOST_HEADERS)
-include $(SIM_STAGE:.o=.d)
STAGED := $(patsubst %.c,$(BUILD)/%,$(shell grep -l '"tests/unit/sim/stage.h"' tests/unit/*/test_*.c))
# Others say so by what they include: their time is simulated, their descriptors may be real.
SIMULATED := $(patsubst %.c,$(BUILD)/%,$(shell grep -l '"tests/unit/sim/sim.h"' tests/unit/*/test_*.c))
sim_tests = $(BUILD)/tests/unit/$(1)/test_sim_% $(STAGED) $(SIMULATED)
UNIT_base      = base
UNIT_proto     = proto base
UNIT_core      = core proto base
UNIT_sync      = sync core proto base
UNIT_io        = io core proto base
UNIT_supervise = supervise proto base
UNIT_config    = config supervise proto base
UNIT_process   = process config proto base
UNIT_bridge    = bridge proto base
UNIT_control   = control proto base
UNIT_plugin    = plugin core proto base
UNIT_worker    = worker plugin io sync core bridge proto base
UNIT_world     = worker trouped requests units clients master process config control supervise plugin io sync core bridge proto base
UNIT_trouped   = trouped requests units clients master process config control supervise proto base
UNIT_requests  = $(UNIT_trouped)
UNIT_units     = $(UNIT_trouped)
UNIT_clients   = $(UNIT_trouped)
UNIT_master    = $(UNIT_trouped)
UNIT_ctl       = ctl control proto base
UNIT_symbolize = symbolize proto base

# Failpoints: the product's objects with each call that takes memory or a descriptor renamed to failable_CALL, which
# tests/failpoints defines. tests/unit/FOLDER/test_*_failpoints.c are linked with these; all other unit tests can be.
FAILPOINTS = $(patsubst %,$(BUILD)/tests/failpoints/%.o,failpoint heap sweep)
FAILABLE = $(BUILD)/failpoints/calls
failing_archives = $(patsubst %,$(BUILD)/failpoints/%.a,$(1))
failing_link = $(CC) $(ALL_LDFLAGS) -Wl,--dynamic-list=daemon/plugin/sdk.symbols -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka -ljansson -lev -lnanomsg $(FCONTEXT) -lsystemd -ldw -ldl -lm
$(FAILABLE): $(BUILD)/tests/failpoints/failpoint.o
	@mkdir -p $(@D)
	@nm --defined-only $< | sed -n 's/.* T failable_\(.*\)/\1 failable_\1/p' > $@
$(call failing_archives,$(filter-out core,$(FOLDERS))): $(BUILD)/failpoints/%.a: $(BUILD)/%.a $(FAILABLE)
	@objcopy --redefine-syms=$(FAILABLE) $< $@
# core/ keeps memory of its own: see tests/failpoints/records.h.
failing_core = $(patsubst %.c,$(BUILD)/failpoints/%.o,$(sources_core))
# Those that keep it; and cold.c, of whose records there are as many as actors.
keepers_core = $(patsubst %,$(BUILD)/failpoints/daemon/core/%.o,slab slab_trim slots large mapping cold)
$(failing_core): $(BUILD)/failpoints/%.o: %.c | $(CONFIG_H) $(HOST_HEADERS)
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(ALL_CFLAGS) $(if $(filter $@,$(keepers_core)),,-include tests/failpoints/records.h) -c -o $@ $<
$(BUILD)/failpoints/core.a: $(failing_core) $(FAILABLE)
	@rm -f $@
	@$(AR) rcs $@ $(filter %.o,$^) && objcopy --redefine-syms=$(FAILABLE) $@
-include $(failing_core:.o=.d)

# Those of sync/ and io/ play in the world of core/.
WORLD_sync = $(BUILD)/tests/unit/core/shared.a
WORLD_io = $(BUILD)/tests/unit/core/shared.a

# Where plug-ins with tasks may be loaded.
NEEDED_worker = $(SDK_NEEDED)
NEEDED_world = $(SDK_NEEDED)

define unit_rules
unit_$(1) = $$(patsubst %.c,$$(BUILD)/%,$$(filter-out %_failpoints.c,$$(wildcard tests/unit/$(1)/test_*.c)))
failpoints_$(1) = $$(patsubst %.c,$$(BUILD)/%,$$(wildcard tests/unit/$(1)/test_*_failpoints.c))
UNIT_TESTS += $$(unit_$(1)) $$(failpoints_$(1))
SWEEPS += $$(failpoints_$(1))
# what the tests of a folder share, taken by those that need it
shared_$(1) = $$(filter-out $$(wildcard tests/unit/$(1)/test_*.c),$$(wildcard tests/unit/$(1)/*.c))
archive_$(1) = $$(if $$(shared_$(1)),$$(BUILD)/tests/unit/$(1)/shared.a) $$(WORLD_$(1))
$$(BUILD)/tests/unit/$(1)/shared.a: $$(patsubst %.c,$$(BUILD)/%.o,$$(shared_$(1)))
	$$(AR) rcs $$@ $$^
$$(unit_$(1)): $$(BUILD)/%: $$(BUILD)/%.o $$(archive_$(1)) $$(call archives,$$(UNIT_$(1)))
	$$(call quiet,LD)$$(CC) $$(ALL_LDFLAGS) -Wl,--dynamic-list=daemon/plugin/sdk.symbols $$(NEEDED_$(1)) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) -lcmocka -ljansson -lev -lnanomsg $(FCONTEXT) -lsystemd -ldw -ldl -lm
$$(filter $$(call sim_tests,$(1)),$$(unit_$(1)) $$(failpoints_$(1))): $$(SIM_LOOP)
$$(filter $$(STAGED),$$(unit_$(1))): $$(SIM_STAGE)
$$(filter $$(call sim_tests,$(1)),$$(unit_$(1))): $(if $(filter core,$(UNIT_$(1))),$(SIM_TURN))
$$(failpoints_$(1)): $$(BUILD)/%: $$(BUILD)/%.o $$(archive_$(1)) $$(FAILPOINTS) $$(call failing_archives,$$(UNIT_$(1)))
	$$(call quiet,LD)$$(failing_link) $$(NEEDED_$(1))
$$(unit_$(1):$$(BUILD)/%=$$(BUILD)/failpoints/%): $$(BUILD)/failpoints/%: $$(BUILD)/%.o $$(archive_$(1)) $$(FAILPOINTS) $$(call failing_archives,$$(UNIT_$(1)))
	@mkdir -p $$(@D)
	$$(call quiet,LD)$$(failing_link) $$(NEEDED_$(1))
$$(patsubst $$(BUILD)/%,$$(BUILD)/failpoints/%,$$(filter $$(call sim_tests,$(1)),$$(unit_$(1)))): $$(SIM_LOOP)
$$(patsubst $$(BUILD)/%,$$(BUILD)/failpoints/%,$$(filter $$(STAGED),$$(unit_$(1)))): $$(SIM_STAGE)
FAILING_TESTS += $$(unit_$(1):$$(BUILD)/%=$$(BUILD)/failpoints/%)
$$(patsubst %,%.o,$$(unit_$(1)) $$(failpoints_$(1))) $$(patsubst %.c,$$(BUILD)/%.o,$$(shared_$(1))): | $$(HOST_HEADERS)
.PHONY: unit-$(1)
unit-$(1): $$(unit_$(1))
	@for t in $$^; do echo "== $$$$t"; $$$$t || exit 1; done
-include $$(wildcard $$(BUILD)/tests/unit/$(1)/*.d)
endef
$(foreach folder,$(FOLDERS),$(eval $(call unit_rules,$(folder))))

# The simulated world: master and workers in one program, on the simulated loop and without nanomsg.
world_shared = $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/unit/world/test_%,$(wildcard tests/unit/world/*.c))) \
	$(BUILD)/tests/unit/bridge/memory.o
unit_world = $(patsubst %.c,$(BUILD)/%,$(filter-out %_failpoints.c,$(wildcard tests/unit/world/test_*.c)))
failpoints_world = $(BUILD)/tests/unit/world/test_world_failpoints
UNIT_TESTS += $(unit_world) $(failpoints_world)
SWEEPS += $(failpoints_world)
$(unit_world): $(BUILD)/%: $(BUILD)/%.o $(world_shared) $(SIM_LOOP) $(SIM_TURN) $(call archives,$(UNIT_world))
	$(call quiet,LD)$(CC) $(ALL_LDFLAGS) -Wl,--dynamic-list=daemon/plugin/sdk.symbols $(NEEDED_world) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka -ljansson -lev -lnanomsg $(FCONTEXT) -lsystemd -ldw -ldl -lm
$(failpoints_world): $(BUILD)/%: $(BUILD)/%.o $(world_shared) $(SIM_LOOP) $(FAILPOINTS) $(call failing_archives,$(UNIT_world))
	$(call quiet,LD)$(CC) $(ALL_LDFLAGS) -Wl,--dynamic-list=daemon/plugin/sdk.symbols $(NEEDED_world) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka -ljansson -lev -lnanomsg $(FCONTEXT) -lsystemd -ldw -ldl -lm
$(unit_world:%=%.o) $(failpoints_world:%=%.o) $(world_shared): | $(HOST_HEADERS)
.PHONY: unit-world
unit-world: $(unit_world) | plugins test-plugins
	@for t in $(unit_world); do echo "== $$t"; $$t || exit 1; done
-include $(wildcard $(BUILD)/tests/unit/world/*.d)

# Plug-ins in the simulated world: tests/unit/actors/test_sim_NAME_WHAT.c has those of the plug-in NAME linked in; with
# failpoints when WHAT is that. The files of a plug-in that is left out are, too.
actors_plugin = $(firstword $(foreach name,$(PLUGIN_FOLDERS),$(if $(findstring test_sim_$(subst -,_,$(name))_,$(1)),$(name))))
all_tests_actors = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/actors/test_*.c))
tests_actors = $(foreach test,$(all_tests_actors),$(if $(call actors_plugin,$(test)),$(test)))
shared_actors = $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/unit/actors/test_% tests/unit/actors/failable_%,$(wildcard tests/unit/actors/*.c)))
failpoints_actors = $(filter %_failpoints,$(tests_actors))
LIBS_OF_http-server = -lmicrohttpd -lgnutls $(if $(wildcard /usr/include/wslay/wslay.h),-lwslay)
LIBS_OF_http-client = $(shell $(PKG_CONFIG) --libs libcurl)
UNIT_TESTS += $(tests_actors)
SWEEPS += $(failpoints_actors)
.PRECIOUS: $(BUILD)/tests/unit/actors/plugins/%.o $(BUILD)/failpoints/plugins/%.o
$(BUILD)/tests/unit/actors/plugins/%.o: $(BUILD)/plugins/%.so
	@mkdir -p $(@D)
	@ld -r -o $@ $(BUILD)/plugins/$*/*.c.o
# Besides memory and descriptors all else that the system may refuse, or end.
BRITTLE = $(BUILD)/failpoints/brittle_calls
$(BRITTLE): $(FAILABLE) $(BUILD)/tests/failpoints/brittle.o
	@nm --defined-only $(filter %.o,$^) | sed -n 's/.* T failable_\(.*\)/\1 failable_\1/p' | cat $(FAILABLE) - > $@
# And what libraries do that have no memory: failable_NAME.c.
failable_actors = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/unit/actors/failable_$(subst -,_,$(1)).c))
.SECONDEXPANSION:
$(BUILD)/failpoints/plugins/%.o: $(BUILD)/tests/unit/actors/plugins/%.o $(BRITTLE) $$(call failable_actors,$$*)
	@mkdir -p $(@D)
	@nm --defined-only $(BUILD)/tests/failpoints/brittle.o $(filter-out $<,$(filter %.o,$^)) | \
		sed -n 's/.* T failable_\(.*\)/\1 failable_\1/p' | cat $(FAILABLE) - > $@.calls
	@objcopy --redefine-syms=$@.calls $< $@
$(BUILD)/failpoints/brittle_io.a: $(BUILD)/io.a $(BRITTLE)
	@objcopy --redefine-syms=$(BRITTLE) $< $@
define actors_rule
$(1): $(1).o $$(shared_actors) $$(SIM_LOOP) $$(BUILD)/tests/unit/io/shared.a $$(WORLD_io) \
	$(if $(filter %_failpoints,$(1)),$$(BUILD)/failpoints/plugins/$(2).o $$(FAILPOINTS) $(call failable_actors,$(2)) $$(BUILD)/tests/failpoints/brittle.o \
		$$(BUILD)/failpoints/brittle_io.a $$(call failing_archives,sync core proto base),$$(BUILD)/tests/unit/actors/plugins/$(2).o \
		$$(SIM_TURN) $$(call archives,io sync core proto base))
	$$(call quiet,LD)$$(CC) $$(ALL_LDFLAGS) -Wl,--dynamic-list=daemon/plugin/sdk.symbols -o $$@ $$(filter %.o,$$^) \
		-Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group -lcmocka -ljansson -lev $(FCONTEXT) $$(LIBS_OF_$(2)) -ldl -lm
endef
$(foreach test,$(tests_actors),$(eval $(call actors_rule,$(test),$(call actors_plugin,$(test)))))
$(all_tests_actors:%=%.o) $(shared_actors): | $(HOST_HEADERS)
.PHONY: unit-actors
unit-actors: $(tests_actors)
	@for t in $^; do echo "== $$t"; $$t || exit 1; done
-include $(wildcard $(BUILD)/tests/unit/actors/*.d)

# Interfaces of tests that are plug-ins themselves.
$(BUILD)/gen/tests/unit/plugin/data/%.varlink.h: tests/unit/plugin/data/%.varlink $(BUILD)/troupe-gen
	@mkdir -p $(@D)
	$(call quiet,GEN)$(BUILD)/troupe-gen -o $@ $<
$(patsubst %,$(BUILD)/tests/unit/plugin/%.o,test_sim_sdk desk desk_answers): $(BUILD)/gen/tests/unit/plugin/data/desk.varlink.h
$(BUILD)/tests/unit/proto/test_table_check_types.o: $(BUILD)/gen/tests/unit/plugin/data/every.varlink.h

# ---------------------------------------------------------------- other versions of the ABI

# The plug-in of each version that was released, built with its SDK; what later compilers warn of does not matter there.
ABI_VERSIONS = $(notdir $(wildcard tests/abi/[0-9]*))
ABI_PLUGINS = $(ABI_VERSIONS:%=$(BUILD)/abi/%.so) $(BUILD)/abi/newer.so $(BUILD)/abi/larger.so
# $(1): what it is called; $(2): the folder of its source; $(3): that of its SDK's headers; $(4): the troupe-gen that seals
# it. A compiler's cache may take headers of one directory for those of another. Without sanitizers: they put zeroes behind
# each table, and the tests want to see that what lies there is not read.
define abi_rules
$$(BUILD)/abi/$(1).so: FORCE $(4)
	+@CCACHE_DISABLE=1 $$(call MAKE_PLUGIN,tests/abi/$(2),$$(BUILD)/abi/plugin-$(1)) TROUPE_CFLAGS=-I$$(abspath $(3)) \
		TROUPE_GEN=$$(abspath $(4)) CFLAGS="-O2 $$(CFLAGS) -w" LDFLAGS="$$(LDFLAGS)"
	@cmp -s $$(BUILD)/abi/plugin-$(1)/veteran.so $$@ || cp $$(BUILD)/abi/plugin-$(1)/veteran.so $$@
endef
$(foreach version,$(ABI_VERSIONS),$(eval $(call abi_rules,$(version),$(version),tests/abi/$(version)/include,$(BUILD)/troupe-gen)))

# The SDK that the next minor version might be, and one that is as new but says that it is this one.
ABI_NEXT = $(BUILD)/abi/next
ABI_NEXT_HEADERS = $(patsubst include/%,$(ABI_NEXT)/%,$(wildcard include/troupe/*.h))
ABI_LIAR_HEADERS = $(patsubst include/%,$(BUILD)/abi/liar/%,$(wildcard include/troupe/*.h))
$(ABI_NEXT_HEADERS) &: tests/abi/next $(wildcard include/troupe/*.h)
	@tests/abi/next include $(ABI_NEXT)
	@touch $(ABI_NEXT_HEADERS)
$(ABI_LIAR_HEADERS) &: tests/abi/next $(wildcard include/troupe/*.h)
	@tests/abi/next --same-minor include $(BUILD)/abi/liar
	@touch $(ABI_LIAR_HEADERS)
ABI_NEWEST = $(lastword $(sort $(ABI_VERSIONS)))
$(eval $(call abi_rules,newer,$(ABI_NEWEST),$(ABI_NEXT),$(ABI_NEXT)/troupe-gen))
$(eval $(call abi_rules,larger,$(ABI_NEWEST),$(BUILD)/abi/liar,$(ABI_NEXT)/troupe-gen))
$(BUILD)/abi/newer.so: $(ABI_NEXT_HEADERS)
$(BUILD)/abi/larger.so: $(ABI_LIAR_HEADERS)

# The host that the next minor version might be: what knows the tables is compiled once more, with its headers. It is
# to run, not to be fast.
abi_next_sources = $(sources_plugin) $(sources_core) $(sources_proto) tests/unit/next/test_sim_abi.c
abi_next_objects = $(patsubst %.c,$(ABI_NEXT)/%.o,$(abi_next_sources))
abi_next_compile = $(call quiet,CC)$(CC) -I$(ABI_NEXT) $(ALL_CFLAGS) -O0 -U_FORTIFY_SOURCE -w -DTROUPE_NEXT -c -o $@ $<
$(abi_next_objects): $(ABI_NEXT)/%.o: %.c | $(ABI_NEXT_HEADERS) $(CONFIG_H) $(HOST_HEADERS)
	@mkdir -p $(@D)
	$(abi_next_compile)
$(ABI_NEXT)/proto/troupe-gen.o: proto/troupe-gen.c | $(ABI_NEXT_HEADERS) $(CONFIG_H)
	@mkdir -p $(@D)
	$(abi_next_compile)
$(ABI_NEXT)/troupe-gen: $(ABI_NEXT)/proto/troupe-gen.o $(sources_proto:%.c=$(ABI_NEXT)/%.o) $(call archives,base)
	$(call quiet,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lev -lm
ABI_NEXT_TEST = $(BUILD)/tests/unit/next/test_sim_abi
$(ABI_NEXT_TEST): $(abi_next_objects) $(SIM_LOOP) $(call archives,base)
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) $(ALL_LDFLAGS) -Wl,--dynamic-list=daemon/plugin/sdk.symbols -o $@ $^ -lcmocka -ljansson -lev -lnanomsg $(FCONTEXT) -ldl -lm
-include $(abi_next_objects:.o=.d) $(ABI_NEXT)/proto/troupe-gen.d
UNIT_TESTS += $(ABI_NEXT_TEST)
test-plugins: $(ABI_PLUGINS)
unit-plugin: | $(ABI_PLUGINS)

# The daemon's processes and troupectl, which are told by a file what is to fail.
FAILING_BINARIES = $(patsubst %,$(BUILD)/failpoints/%,trouped troupe-worker troupe-symbolize troupectl)
failing_mains = $(patsubst %,$(BUILD)/failpoints/%/main.o,daemon/worker daemon/trouped daemon/symbolize ctl)
$(failing_mains): $(BUILD)/failpoints/%: $(BUILD)/% $(FAILABLE)
	@mkdir -p $(@D)
	@objcopy --redefine-syms=$(FAILABLE) $< $@
failing_binary = $(CC) $(ALL_LDFLAGS) $(addprefix -Wl$(comma)--dynamic-list=,$(filter %.symbols,$^)) -o $@ $(filter %.o,$^) $(filter %.a,$^)
$(BUILD)/failpoints/trouped: $(BUILD)/failpoints/daemon/trouped/main.o $(firstword $(FAILPOINTS)) $(call failing_archives,$(LIBS_trouped))
	$(call quiet,LD)$(failing_binary) -lev -lsystemd -lm
$(BUILD)/failpoints/troupe-worker: $(BUILD)/failpoints/daemon/worker/main.o $(firstword $(FAILPOINTS)) $(call failing_archives,$(LIBS_worker)) $(EXPORTS_worker)
	$(call quiet,LD)$(failing_binary) $(SDK_NEEDED) -lev -lnanomsg $(FCONTEXT) -ldl -lm
$(BUILD)/failpoints/troupe-symbolize: $(BUILD)/failpoints/daemon/symbolize/main.o $(firstword $(FAILPOINTS)) $(call failing_archives,$(LIBS_symbolize))
	$(call quiet,LD)$(failing_binary) -ldw
$(BUILD)/failpoints/troupectl: $(BUILD)/failpoints/ctl/main.o $(firstword $(FAILPOINTS)) $(call failing_archives,$(LIBS_ctl))
	$(call quiet,LD)$(failing_binary) -lev -lm

# ---------------------------------------------------------------- all tests

.PHONY: test check check-format check-layers check-circles check-globals check-failpoints check-promises check-docs check-headers check-abi check-threads check-warnings check-analyse fuzz soak valgrind

# Everything a test may need, then the tests: programs, outside plug-ins, real daemons, and as root a real systemd.
# ONLY=WORD runs those whose name holds it. AGAIN=N: so many that fail get a second try, alone, and are named as unsteady.
# What make and compilers say of plug-ins, and where things are installed, is the same under a sanitizer, which looks at what runs.
TEST_SCRIPTS = $(if $(SANITIZE),tests/outside/run.sh,$(wildcard tests/outside/*.sh))
# Races are between threads, and nearly all of these programs have one: for that sanitizer only those are built and run that
# make another, or start workers. No other one may: see check-threads.
THREADED = base/test_crew base/test_handoff base/test_loop base/test_overrun bridge/test_nanomsg core/test_inlet core/test_sim_other_thread io/test_pool io/test_threads plugin/test_loader worker/%
ifeq ($(SANITIZE),thread)
ONE_THREAD = $(filter-out $(THREADED:%=$(BUILD)/tests/unit/%),$(UNIT_TESTS))
endif
RUN_TESTS = $(filter-out $(ONE_THREAD),$(UNIT_TESTS))
test: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) test-build
	@TROUPE_SLOW=$(if $(SANITIZE),4,1) tests/run.py --build $(BUILD) $(patsubst %,--again %,$(AGAIN)) $(patsubst %,--only %,$(ONLY)) $(RUN_TESTS) $(TEST_SCRIPTS)

.PHONY: test-build
test-build: $(BINARIES) $(FAILING_BINARIES) $(RUN_TESTS) plugins test-plugins $(if $(SANITIZE),,$(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fuzz/*.c)))
# Fuzzers are linked for `make fuzz` only, but compiled with all else: what they use changes.
$(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fuzz/*.c)): | $(HOST_HEADERS)
-include $(wildcard $(BUILD)/tests/fuzz/*.d)

# ---------------------------------------------------------------- what else must hold

# What was released stays as it was.
SOURCES = $(filter-out tests/abi/%,$(shell git ls-files '*.c' '*.h' 2>/dev/null || find daemon ctl proto actors include tests bench -name '*.[ch]'))

check: deps-test check-format check-layers check-circles check-globals check-failpoints check-promises check-docs check-headers check-abi check-warnings check-threads check-analyse
	@echo "check: all good"

# The formatter's part, and the width of comments and documentation.
check-format:
	@printf '%s\n' $(SOURCES) | xargs -P $$(nproc) -n 50 clang-format --dry-run --Werror
	@tests/check/columns

check-layers:
	tests/check/layers

# What each folder's objects take from one another.
check-circles: $(call archives,$(FOLDERS))
	tests/check/circles $(BUILD)

check-globals: $(call archives,$(FOLDERS))
	tests/check/globals $^

# Each call that takes memory or a descriptor can be made to fail.
check-failpoints: $(call archives,$(FOLDERS)) $(BINARIES) $(FAILABLE)
	tests/check/failpoints $(BUILD)

check-promises:
	tests/check/promises

check-docs:
	tests/check/docs

check-headers:
	tests/check/headers

check-abi:
	tests/check/abi

# Of what check-warnings has built. All failpoints are in each sweep, that of threads too.
check-threads: check-warnings
	@tests/check/threads $(filter-out $(patsubst %,$(WERROR_BUILD)/tests/unit/%,$(THREADED) %_failpoints),$(UNIT_TESTS:$(BUILD)/%=$(WERROR_BUILD)/%))

# The whole tree under both compilers, a warning being an error. Who has built everything by gcc with WERROR=1, and says it here
# too, has seen what it warns of. What clang warns of it knows before it optimizes, and when it has compiled each source once: it
# links what is installed, and no tests, which nobody would run.
WERROR_BUILD = $(if $(and $(WERROR),$(filter gcc,$(CC))),$(BUILD),build-werror)
check-warnings:
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=$(WERROR_BUILD) CC=gcc WERROR=1 test-build
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=build-werror-clang CC=clang CXX=clang++ OPTIMIZE=-O0 CFLAGS= WERROR=1 once-compiled

# Each source once, as it is compiled for its tests; but what only the next version's headers make different.
.PHONY: once-compiled
once-compiled: $(BINARIES) plugins $(TEST_PLUGINS) $(ABI_VERSIONS:%=$(BUILD)/abi/%.so) $(patsubst %.c,$(BUILD)/%.o, \
	$(filter-out tests/unit/next/%,$(wildcard tests/unit/*/*.c)) $(wildcard tests/fuzz/*.c tests/failpoints/*.c))

# cppcheck with all the paths it finds; what is suppressed stands, with its reason, in the file.
check-analyse: $(HOST_HEADERS)
	@cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr \
		--suppressions-list=tests/check/cppcheck.suppressions --error-exitcode=1 -j $$(nproc) \
		--include=tests/check/cppcheck.h -D_GNU_SOURCE -Iinclude -I. -Idaemon -I$(BUILD)/gen daemon ctl proto

# ---------------------------------------------------------------- fuzzing: one libFuzzer target for each decoder of hostile input

FUZZ_SECONDS ?= 10
FUZZ_BUILD   = build-fuzz
# Those of a plug-in that is left out are, too.
FUZZ_SOURCES = $(filter-out $(addprefix tests/fuzz/,$(addsuffix .c,$(foreach name,$(PLUGINS_LEFT_OUT),$(FUZZ_OF_$(name))))),$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_TARGETS = $(patsubst tests/fuzz/%.c,$(FUZZ_BUILD)/%,$(FUZZ_SOURCES))
FUZZ_OF_http-server = fuzz_http_server
FUZZ_FLAGS   = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

fuzz: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=$(FUZZ_BUILD) CC=clang CFLAGS="-g -O1 $(FUZZ_FLAGS)" \
		LDFLAGS="-fsanitize=address,undefined" HARDEN= fuzz-build
	@for target in $(FUZZ_TARGETS); do \
		corpus=tests/fuzz/corpus/$$(basename $$target); new=$$target.corpus; mkdir -p $$new; \
		echo "== $$target"; \
		$$target -max_total_time=$(FUZZ_SECONDS) -timeout=60 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
			$$new $$(test -d $$corpus && echo $$corpus) || exit 1; \
	done

.PHONY: fuzz-build
fuzz-build: $(FUZZ_TARGETS)
# Those that play in the world of core/ and io/, some with a plug-in's actor on the stage.
FUZZ_WORLD = $(patsubst %,$(FUZZ_BUILD)/fuzz_%,stream tls names chat http_server)
$(filter-out $(FUZZ_WORLD),$(FUZZ_TARGETS)): $(FUZZ_BUILD)/%: tests/fuzz/%.c $(call archives,trouped requests units clients master process config control supervise plugin core bridge proto base) | $(HOST_HEADERS)
	$(call quiet,FUZZ)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $< $(filter %.o,$^) $(filter %.a,$^) -ljansson -lev -lnanomsg $(FCONTEXT) -lsystemd -ldl -lm
$(filter $(FUZZ_WORLD),$(FUZZ_TARGETS)): $(FUZZ_BUILD)/%: tests/fuzz/%.c $(SIM_LOOP) $(SIM_TURN) $(FUZZ_BUILD)/tests/unit/io/shared.a $(WORLD_io) $(call archives,io sync core proto base) | $(HOST_HEADERS)
	$(call quiet,FUZZ)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $< $(filter %.o,$^) \
		$(if $(FUZZ_PLUGIN),$(FUZZ_BUILD)/plugins/$(FUZZ_PLUGIN)/*.c.o) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka -ljansson -lev $(FCONTEXT) $(FUZZ_LIBS) -ldl -lm
# On the simulated loop, standing before the archives: what waits for time has it at once.
$(FUZZ_BUILD)/fuzz_chat $(FUZZ_BUILD)/fuzz_http_server: $(BUILD)/tests/unit/actors/plugin_stage.o
$(FUZZ_BUILD)/fuzz_chat: $(FUZZ_BUILD)/plugins/chat.so
$(FUZZ_BUILD)/fuzz_chat: FUZZ_PLUGIN = chat
$(FUZZ_BUILD)/fuzz_http_server: $(FUZZ_BUILD)/plugins/http-server.so
$(FUZZ_BUILD)/fuzz_http_server: FUZZ_PLUGIN = http-server
$(FUZZ_BUILD)/fuzz_http_server: FUZZ_LIBS = -lmicrohttpd -lgnutls $(if $(wildcard /usr/include/wslay/wslay.h),-lwslay)
$(FUZZ_BUILD)/fuzz_bridge: $(SIM_LOOP) $(patsubst %,$(BUILD)/tests/fuzz/%.o,bridge_wire bridge_puppet)

# ---------------------------------------------------------------- mutants: the tests find what they are there to find

# Each of tests/mutants, in copies of the tree. ONLY=NAME: those whose name holds it; CHANGED=BASE: those of files that differ
# from that commit.
.PHONY: mutants mutants-brief
mutants: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) test-build
	@tests/mutants.py --build $(BUILD) $(patsubst %,--only %,$(ONLY)) $(patsubst %,--changed %,$(CHANGED))
# Those that the last change touches and some others, for about a minute.
mutants-brief: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) test-build
	@tests/mutants.py --build $(BUILD) --brief

# ---------------------------------------------------------------- coverage: what the unit tests run

# Without sweeps: what fails in them runs nearly everything and proves little. ONLY=WORD prints the lines that were not run, of
# files whose path holds it.
.PHONY: coverage coverage-build coverage-run
coverage: deps-test
	@$(MAKE) --no-print-directory COVERAGE=1 build-coverage/tests/coverage/ends.o
	@$(MAKE) --no-print-directory $(PARALLEL) COVERAGE=1 coverage-build
	@$(MAKE) --no-print-directory COVERAGE=1 coverage-run
COVERED_TESTS = $(filter-out $(SWEEPS),$(UNIT_TESTS))
$(BUILD)/tests/coverage/ends.o: COVERAGE_COMPILE =
coverage-build: $(BINARIES) $(COVERED_TESTS) plugins test-plugins
coverage-run:
	@find $(BUILD) -name '*.gcda' -delete
	@tests/run.py --build $(BUILD) --skip-system $(COVERED_TESTS); status=$$?; \
		tests/coverage/report.py --build $(BUILD) $(patsubst %,--lines %,$(ONLY)) && exit $$status

# ---------------------------------------------------------------- longer ones, not for each change

SOAK_SECONDS ?= 600
soak: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) test-build
	@tests/soak.py --build $(BUILD) --seconds $(SOAK_SECONDS) $(patsubst %,--only %,$(ONLY))
# Each storm once, for two seconds.
.PHONY: soak-brief
soak-brief: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) test-build
	@tests/soak.py --build $(BUILD) --brief

# Black-box figures under trouble, each with its aim: `make trial`, or for less long. ONLY=NAME: one of them.
.PHONY: trial trial-brief
trial: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) test-build
	@tests/trial.py --build $(BUILD) $(ONLY)
trial-brief: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) test-build
	@tests/trial.py --build $(BUILD) --brief $(ONLY)

# What sanitizers do not see: uninitialized values.
valgrind: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) test-build
	@tests/run.py --build $(BUILD) --skip-system --verdict 99 \
		--wrap "valgrind -q --error-exitcode=99 --child-silent-after-fork=yes" \
		$(patsubst %,--only %,$(ONLY)) $(UNIT_TESTS)

# Each allocation and each descriptor fails once, where the tests have a sample of them; then several, by seeds. ONLY=WORD:
# those whose name holds it.
.PHONY: sweep
sweep: deps-test
	@$(MAKE) --no-print-directory $(PARALLEL) test-build
	@TROUPE_SWEEP=full tests/run.py --build $(BUILD) $(patsubst %,--only %,$(or $(ONLY),failpoints)) $(SWEEPS)

# The other unit tests, linked with failpoints: TROUPE_FAILPOINT=NUMBER makes one of them fail.
.PHONY: failing-tests
failing-tests: $(FAILING_TESTS)
