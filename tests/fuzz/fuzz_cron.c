/* A line of a crontab, and the bytes of a time zone's file. Whatever they hold, reading them
 * ends, in a constant that says why or in a schedule whose next time is later. */
#include "actors/cron/schedule.c"
#include "actors/cron/zone.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_zone(const struct zone *zone, int64_t at)
{
	int32_t offset = zone_offset(zone, at);

	check(offset >= -2 * OFFSET_MAX && offset <= 2 * OFFSET_MAX);
	check(zone_moment(zone, at) >= at - 4 * (int64_t)OFFSET_MAX);
	check(zone_moment(zone, at) <= at + 4 * (int64_t)OFFSET_MAX);
}

/* The text up to the first NUL, then the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t moments[] = {0, 951782399, 1764374400, 4102444800, -86400};
	const uint8_t *end = memchr(data, '\0', size);
	struct zone *zone = calloc(1, sizeof(*zone)), utc = {0};
	struct schedule schedule;
	struct reader reader;
	const char *why = NULL;
	bool is_zone = false;
	char text[256];
	size_t length = end ? (size_t)(end - data) : size;

	if (!zone || length >= sizeof(text)) {
		free(zone);
		return 0;
	}
	memcpy(text, data, length);
	text[length] = '\0';
	if (end) {
		reader = (struct reader){.bytes = end + 1, .size = size - length - 1};
		is_zone = read_zone(&reader, zone) == 0;
	}
	for (size_t i = 0; is_zone && i < sizeof(moments) / sizeof(*moments); i++)
		check_zone(zone, moments[i]);
	if (schedule_read(&schedule, text, &why)) {
		for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
			check(schedule_next(&schedule, &utc, moments[i]) > moments[i]);
			if (is_zone)
				check(schedule_next(&schedule, zone, moments[i]) > moments[i]);
		}
	} else {
		check(why && *why);
	}
	zone_free(zone);
	return 0;
}
