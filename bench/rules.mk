# Measuring: `make bench` in earnest, `make bench-brief` only to see that each benchmark works.

BENCH_PLUGIN = $(BUILD)/bench-plugins/bench.so
$(eval $(call plugin_rules,bench-plugins,bench/plugin,bench))

$(BUILD)/bench-limit: bench/limit.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -o $@ $<

.PHONY: bench bench-brief bench-build
bench-build: $(BINARIES) $(BENCH_PLUGIN) $(BUILD)/bench-limit
bench: bench-build
	@bench/run.py --build $(BUILD) $(patsubst %,--only %,$(ONLY))
bench-brief: bench-build
	@bench/run.py --build $(BUILD) --brief
