/* restart_keys.c - RestartDelay= and its like. */
#include "master/restart_keys.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "supervise/restart.h"

#define DAY_NS (24ull * 3600 * CLOCK_SECOND_NS)

static const struct conf_key keys_known[] = {
	{.name = "RestartDelay",
	 .set = conf_set_span,
	 CONF_FIELD(struct restart_keys, delay_ns, IN_PLACE),
	 .max = DAY_NS},
	{.name = "RestartDelayMax",
	 .set = conf_set_span,
	 CONF_FIELD(struct restart_keys, delay_max_ns, IN_PLACE),
	 .max = DAY_NS},
	{.name = "StartLimitBurst",
	 .set = conf_set_uint,
	 CONF_FIELD(struct restart_keys, burst, IN_PLACE),
	 .max = RESTART_BURST_MAX},
	{.name = "StartLimitInterval",
	 .set = conf_set_span,
	 CONF_FIELD(struct restart_keys, interval_ns, IN_PLACE),
	 .max = 7 * DAY_NS},
};

void restart_keys_init(struct restart_keys *keys)
{
	*keys = (struct restart_keys){
		.delay_ns = 100 * CLOCK_MS_NS,
		.delay_max_ns = 30 * CLOCK_SECOND_NS,
		.burst = 10,
		.interval_ns = 60 * CLOCK_SECOND_NS,
	};
}

struct conf_table restart_keys_table(struct restart_keys *keys,
				     const struct restart_keys *defaults)
{
	return (struct conf_table){
		.keys = keys_known,
		.n = ARRAY_LEN(keys_known),
		.target = keys,
		.defaults = defaults,
	};
}
