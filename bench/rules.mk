# Measuring: `make bench` in earnest, `make bench-brief` only to see that each benchmark works. Whether a change made anything
# faster: bench/compare, of two builds.

BENCH_PLUGIN = $(BUILD)/bench-plugins/bench.so
$(eval $(call plugin_rules,bench-plugins,bench/plugin,bench))

PAIR_PLUGIN = $(BUILD)/bench-plugins/pair.so
$(eval $(call plugin_rules,bench-plugins,bench/pair,pair))

LINES_PLUGIN = $(BUILD)/bench-plugins/lines.so
$(eval $(call plugin_rules,bench-plugins,tests/actors/lines,lines))

# Where http-client is built, its rows are measured.
ifeq ($(filter http-client,$(PLUGINS_LEFT_OUT)),)
HTTP_PLUGIN = $(BUILD)/bench-plugins/http.so
$(eval $(call plugin_rules,bench-plugins,bench/http,http))
HTTP_PROGRAMS = $(addprefix $(BUILD)/bench-,http-server limit-curl)
endif

# Bare programs: what rows are held against, and a client that is no bottleneck. limit-letters is the bare loop with messages
# as large as those of the row "strings".
BENCH_PROGRAMS = $(addprefix $(BUILD)/bench-,limit limit-letters limit-timers limit-nanomsg limit-copy limit-lines lines-client client) $(HTTP_PROGRAMS) \
	$(if $(filter http-server,$(PLUGINS_LEFT_OUT)),,$(BUILD)/bench-limit-http)
$(BUILD)/bench-limit: bench/limit.c
$(BUILD)/bench-limit-letters: bench/limit.c
$(BUILD)/bench-limit-letters: BENCH_FLAGS = -DPAYLOAD=256
$(BUILD)/bench-limit-timers: bench/limit_timers.c
$(BUILD)/bench-limit-timers: BENCH_LIBS = -lev
$(BUILD)/bench-limit-nanomsg: bench/limit_nanomsg.c
$(BUILD)/bench-limit-nanomsg: BENCH_LIBS = -lnanomsg
$(BUILD)/bench-limit-copy: bench/limit_copy.c
$(BUILD)/bench-limit-http: bench/limit_http.c
$(BUILD)/bench-limit-http: BENCH_LIBS = -lmicrohttpd -lev
$(BUILD)/bench-client: bench/client.c
$(BUILD)/bench-limit-lines: bench/limit_lines.c
$(BUILD)/bench-lines-client: bench/lines_client.c
$(BUILD)/bench-http-server: bench/http_server.c
$(BUILD)/bench-http-server: BENCH_FLAGS = -D_GNU_SOURCE
$(BUILD)/bench-limit-curl: bench/limit_curl.c
$(BUILD)/bench-limit-curl: BENCH_LIBS = -lcurl -lev
$(BENCH_PROGRAMS):
	@mkdir -p $(@D)
	$(call quiet,LD)$(CC) -std=gnu11 -O2 $(WARNINGS) $(BENCH_FLAGS) -o $@ $< $(BENCH_LIBS)

.PHONY: bench bench-brief bench-build
bench-build: $(BINARIES) plugins $(BENCH_PLUGIN) $(PAIR_PLUGIN) $(LINES_PLUGIN) $(HTTP_PLUGIN) $(BENCH_PROGRAMS)
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
