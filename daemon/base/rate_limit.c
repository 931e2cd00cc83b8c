#include "base/rate_limit.h"

void rate_limit_init(struct rate_limit *limit, uint64_t interval_ns, uint64_t burst)
{
	*limit = (struct rate_limit){.interval_ns = interval_ns, .burst = burst};
}

static bool is_over(const struct rate_limit *limit, uint64_t now_ns)
{
	return limit->begin_ns == 0 ||
	       (now_ns > limit->begin_ns && now_ns - limit->begin_ns >= limit->interval_ns);
}

bool rate_limit_pass(struct rate_limit *limit, uint64_t now_ns)
{
	if (limit->interval_ns == 0 || limit->burst == 0)
		return true;
	if (is_over(limit, now_ns)) {
		limit->begin_ns = now_ns > 0 ? now_ns : 1;
		limit->passed = 0;
	}
	if (limit->passed >= limit->burst) {
		limit->suppressed++;
		return false;
	}
	limit->passed++;
	return true;
}

uint64_t rate_limit_take_suppressed(struct rate_limit *limit, uint64_t now_ns)
{
	uint64_t suppressed = limit->suppressed;

	if (suppressed == 0 || !is_over(limit, now_ns))
		return 0;
	limit->suppressed = 0;
	return suppressed;
}
