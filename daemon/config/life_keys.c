/* life_keys.c - StartTimeout=, RestartDelay= and their like. */
#include "config/life_keys.h"

#include "base/cleanup.h"
#include "config/problems.h"
#include <stdio.h>
#include <string.h>

/* An actor that crashes harms all others of its worker: fewer such ends are borne, and it takes
 * longer until they are forgotten. */
#define CRASH_HEALTHY_NS (120 * CLOCK_SECOND_NS)

const char *const restart_give_up_names[] = {"fail", "never", NULL};

static void warn_former(const struct conf_setting *setting, const char *instead)
{
	problems_warn(setting->problems, setting->file, setting->line,
		      "%s= is the former name of a key: write %s", setting->key, instead);
}

/* Restarts before the failure that was the last; 0: no limit. */
int life_keys_set_burst(const struct conf_key *key, const struct conf_setting *setting,
			void *field)
{
	struct restart_limit *limit = field;
	char instead[48] = "GiveUp=never";
	uint32_t burst;
	int r = conf_set_uint(key, setting, &burst);

	if (r < 0)
		return r;
	if (burst == 0) {
		limit->give_up = RESTART_GIVE_UP_NEVER;
	} else {
		*limit = (struct restart_limit){.after = burst + 1};
		(void)snprintf(instead, sizeof(instead), "GiveUpAfter=%u", burst + 1);
	}
	warn_former(setting, instead);
	return 0;
}

int life_keys_set_interval(const struct conf_key *key, const struct conf_setting *setting,
			   void *field)
{
	uint64_t *healthy_ns = field;
	int r = conf_set_span(key, setting, field);

	if (r < 0)
		return r;
	if (*healthy_ns < CLOCK_MS_NS)
		*healthy_ns = CLOCK_MS_NS;
	warn_former(setting, "HealthyAfter= for the time after which an actor counts as "
			     "healthy");
	return 0;
}

void life_keys_init(struct life_keys *keys)
{
	/* An init that always fails has waited for 40 to 81 seconds when it is given up. */
	*keys = (struct life_keys){
		.start_timeout_ns = 30 * CLOCK_SECOND_NS,
		.stop_timeout_ns = 10 * CLOCK_SECOND_NS,
		.delay_ns = 100 * CLOCK_MS_NS,
		.delay_max_ns = 30 * CLOCK_SECOND_NS,
		.healthy_ns = 10 * CLOCK_SECOND_NS,
		.limit = {.after = 10, .give_up = RESTART_GIVE_UP_FAIL},
	};
}

/* The last assignment to one of the keys of restarts; NULL: there is none. */
static const struct conf_entry *find_any(const struct conf *conf, const char *section)
{
	static const char *const keys[] = {
		"RestartDelay", "RestartDelayMax", "HealthyAfter",      "GiveUpAfter",
		"GiveUp",       "StartLimitBurst", "StartLimitInterval"};
	const struct conf_entry *last = NULL;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct conf_entry *entry = conf_find(conf, section, keys[i]);

		if (entry && (!last || entry > last))
			last = entry;
	}
	return last;
}

void life_keys_check(const struct life_keys *keys, const struct conf *conf, const char *section,
		     struct problems *problems)
{
	const struct conf_entry *any = find_any(conf, section);
	const struct conf_entry *after = conf_find(conf, section, "GiveUpAfter");
	struct restart_rules rules = life_keys_restart(keys, RESTART_ON_FAILURE);
	char a[64], b[64];
	uint64_t wait_ns;

	if (!any)
		return;
	if (keys->limit.give_up == RESTART_GIVE_UP_NEVER) {
		if (after && *after->value)
			problems_warn(problems, after->file, after->line,
				      "GiveUpAfter= has no effect with GiveUp=never");
		return;
	}
	if (keys->healthy_ns < keys->delay_ns) {
		text_print_span_ns(keys->healthy_ns, a, sizeof(a));
		text_print_span_ns(keys->delay_ns, b, sizeof(b));
		problems_warn(problems, any->file, any->line,
			      "HealthyAfter=%s is less than RestartDelay=%s: an actor that "
			      "fails soon after each start counts as healthy, and is given up "
			      "only if its init fails",
			      a, b);
	}
	wait_ns = restart_least_wait_ns(&rules, keys->limit.after);
	if (wait_ns > LIFE_KEYS_DAY_NS) {
		text_print_span_ns(wait_ns / LIFE_KEYS_DAY_NS * LIFE_KEYS_DAY_NS, a, sizeof(a));
		problems_warn(problems, any->file, any->line,
			      "with these delays an actor that always fails is given up after "
			      "more than %s; see GiveUpAfter=, RestartDelay= and "
			      "RestartDelayMax=",
			      a);
	}
}

struct restart_rules life_keys_restart(const struct life_keys *keys, enum restart_policy policy)
{
	bool never = keys->limit.give_up == RESTART_GIVE_UP_NEVER;
	uint32_t crashes =
		keys->limit.after < LIFE_KEYS_CRASHES ? keys->limit.after : LIFE_KEYS_CRASHES;

	return (struct restart_rules){
		.policy = policy,
		.delay_ns = keys->delay_ns,
		.delay_max_ns = keys->delay_max_ns,
		.healthy_ns = keys->healthy_ns,
		.give_up_after = never ? 0 : keys->limit.after,
		.crash_limit = never ? 0 : crashes,
		.crash_healthy_ns = keys->healthy_ns > CRASH_HEALTHY_NS ? keys->healthy_ns
									: CRASH_HEALTHY_NS,
	};
}
