# Measuring: `make bench` in earnest, `make bench-brief` only to see that each benchmark works. Whether a change made anything
# faster: bench/compare, of two builds.

BENCH_PLUGIN = $(BUILD)/bench-plugins/bench.so
$(eval $(call plugin_rules,bench-plugins,bench/plugin,bench))

PAIR_PLUGIN = $(BUILD)/bench-plugins/pair.so
$(eval $(call plugin_rules,bench-plugins,bench/pair,pair))

# Bare programs: what rows are held against, and a client that is no bottleneck. limit-letters is the bare loop with messages
# as large as those of the row "strings".
BENCH_PROGRAMS = $(addprefix $(BUILD)/bench-,limit limit-letters limit-timers limit-nanomsg limit-copy client)
$(BUILD)/bench-limit: bench/limit.c
$(BUILD)/bench-limit-letters: bench/limit.c
$(BUILD)/bench-limit-letters: BENCH_FLAGS = -DPAYLOAD=256
$(BUILD)/bench-limit-timers: bench/limit_timers.c
$(BUILD)/bench-limit-timers: BENCH_LIBS = -lev
$(BUILD)/bench-limit-nanomsg: bench/limit_nanomsg.c
$(BUILD)/bench-limit-nanomsg: BENCH_LIBS = -lnanomsg
$(BUILD)/bench-limit-copy: bench/limit_copy.c
$(BUILD)/bench-client: bench/client.c
$(BENCH_PROGRAMS):
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) -std=gnu11 -O2 $(WARNINGS) $(BENCH_FLAGS) -o $@ $< $(BENCH_LIBS)

.PHONY: bench bench-brief bench-build
bench-build: $(BINARIES) $(BENCH_PLUGIN) $(PAIR_PLUGIN) $(BENCH_PROGRAMS)
bench: bench-build
	@bench/run.py --build $(BUILD) $(patsubst %,--only %,$(ONLY))
bench-brief: bench-build
	@bench/run.py --build $(BUILD) --brief
	@bench/plots.py --build $(BUILD) --brief

# How cost grows: docs/plots, drawn from what is measured here and now. As root, for 4,000 connections.
.PHONY: bench-plots
bench-plots: bench-build
	@bench/plots.py --build $(BUILD) $(patsubst %,--only %,$(ONLY))

# Instructions a message and a call take: a second figure, which other load does not disturb.
.PHONY: bench-count
bench-count: bench-build
	@bench/count $(BUILD) $(patsubst %,--only %,$(ONLY))
