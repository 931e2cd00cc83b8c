/* schedule.c - see schedule.h. */
#include "schedule.h"
#include "calendar.h"
#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define DAY        86400
#define DAYS_AHEAD 3653
#define ALL_HOURS  ((1u << 24) - 1)

/* ------------------------------------------------------------------ reading */

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
				     "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

struct field {
	int least, most;
	const char *const *names; /* of the values from `least` on */
};

static const struct field fields[] = {
	{0, 59, NULL}, {0, 59, NULL},   {0, 23, NULL},
	{1, 31, NULL}, {1, 12, months}, {0, 7, weekdays},
};
enum { SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, WEEKDAY, FIELDS };

static bool read_value(const char **at, const struct field *field, int *ret_value)
{
	int value = 0;

	for (int i = 0; field->names && field->names[i]; i++) {
		if (strncasecmp(*at, field->names[i], 3) != 0)
			continue;
		*at += 3;
		*ret_value = field->least + i;
		return true;
	}
	if (!isdigit((unsigned char)**at))
		return false;
	while (isdigit((unsigned char)**at) && value < 1000)
		value = value * 10 + *(*at)++ - '0';
	*ret_value = value;
	return value >= field->least && value <= field->most;
}

/* "*", "3", "1-5", each perhaps with "/2". */
static bool read_range(const char **at, const struct field *field, uint64_t *ret_bits)
{
	const struct field step_field = {1, field->most, NULL};
	int from = field->least, to = field->most, step = 1;

	if (**at == '*') {
		(*at)++;
	} else {
		if (!read_value(at, field, &from))
			return false;
		to = from;
		if (**at == '-') {
			(*at)++;
			if (!read_value(at, field, &to) || to < from)
				return false;
		} else if (**at == '/') {
			to = field->most;
		}
	}
	if (**at == '/') {
		(*at)++;
		if (!read_value(at, &step_field, &step))
			return false;
	}
	for (int value = from; value <= to; value += step)
		*ret_bits |= 1ull << value;
	return true;
}

static bool read_field(const char **at, const struct field *field, uint64_t *ret_bits)
{
	*ret_bits = 0;
	for (;;) {
		if (!read_range(at, field, ret_bits))
			return false;
		if (**at != ',')
			return true;
		(*at)++;
	}
}

static const char *resolve(const char *text)
{
	static const char *const known[][2] = {
		{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},
		{"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
		{"@monthly", "0 0 1 * *"},  {"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 1 *"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(text, known[i][0]) == 0)
			return known[i][1];
	return text;
}

static int count_words(const char *text)
{
	int n = 0;

	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		text += strcspn(text, " \t");
		n++;
	}
	return n;
}

bool schedule_read(struct schedule *schedule, const char *text, const char **ret_why)
{
	static const char *const wrong[FIELDS] = {
		"the field for seconds takes 0 to 59",
		"the field for minutes takes 0 to 59",
		"the field for hours takes 0 to 23",
		"the field for days of the month takes 1 to 31",
		"the field for months takes 1 to 12, or jan to dec",
		"the field for days of the week takes 0 to 7, or sun to sat",
	};
	uint64_t bits[FIELDS] = {1};
	bool is_any[FIELDS];
	const char *at = resolve(text);
	const int n = count_words(at);

	if (n != FIELDS && n != FIELDS - 1) {
		*ret_why = "a schedule has five fields, or six with seconds";
		return false;
	}
	for (int i = FIELDS - n; i < FIELDS; i++) {
		at += strspn(at, " \t");
		is_any[i] = *at == '*' && strchr(" \t", at[1]) != NULL;
		if (!read_field(&at, &fields[i], &bits[i]) || !strchr(" \t", *at)) {
			*ret_why = wrong[i];
			return false;
		}
	}
	if (bits[WEEKDAY] >> 7)
		bits[WEEKDAY] |= 1; /* 7 is Sunday, too */
	*schedule = (struct schedule){
		.seconds = bits[SECOND],
		.minutes = bits[MINUTE],
		.hours = (uint32_t)bits[HOUR],
		.days = (uint32_t)bits[DAY_OF_MONTH],
		.months = (uint32_t)bits[MONTH],
		.weekdays = (uint32_t)bits[WEEKDAY] & 0x7f,
		.any_day = is_any[DAY_OF_MONTH],
		.any_weekday = is_any[WEEKDAY],
	};
	return true;
}

/* ------------------------------------------------------------------ the next time */

static bool is_day(const struct schedule *schedule, int64_t day)
{
	struct calendar_date date;
	bool is_of_month, is_of_week;

	calendar_date(day, &date);
	if (!(schedule->months >> date.month & 1))
		return false;
	is_of_month = schedule->days >> date.day & 1;
	is_of_week = schedule->weekdays >> calendar_weekday(day) & 1;
	return schedule->any_day || schedule->any_weekday ? is_of_month && is_of_week
							  : is_of_month || is_of_week;
}

/* The lowest that is set, from `from` on; -1: none. */
static int next_bit(uint64_t bits, int from)
{
	bits = from > 63 ? 0 : bits >> from << from;
	return bits ? __builtin_ctzll(bits) : -1;
}

/* By what passes: each minute of the day as it comes. */
static int64_t next_passing(const struct schedule *schedule, const struct zone *zone,
			    int64_t from, int64_t to)
{
	int64_t minute = calendar_floor(from, 60) * 60;

	for (; minute < to; minute += 60) {
		int64_t local = minute + zone_offset(zone, minute);
		int second = minute < from ? (int)(from - minute) : 0;

		if (!(schedule->minutes >> (calendar_floor(local, 60) % 60 + 60) % 60 & 1))
			continue;
		second = next_bit(schedule->seconds, second);
		if (second >= 0 && minute + second < to)
			return minute + second;
	}
	return SCHEDULE_NEVER;
}

/* By what the clocks show: those of that day, in order. */
static int64_t next_shown(const struct schedule *schedule, const struct zone *zone, int64_t day,
			  int64_t after)
{
	for (int hour = next_bit(schedule->hours, 0); hour >= 0;
	     hour = next_bit(schedule->hours, hour + 1)) {
		const int64_t local = day * DAY + hour * 3600;

		/* an hour that is all over, however it is shown */
		if (zone_moment(zone, local + 3599) <= after)
			continue;
		for (int minute = next_bit(schedule->minutes, 0); minute >= 0;
		     minute = next_bit(schedule->minutes, minute + 1)) {
			if (zone_moment(zone, local + minute * 60 + 59) <= after)
				continue;
			for (int second = next_bit(schedule->seconds, 0); second >= 0;
			     second = next_bit(schedule->seconds, second + 1)) {
				int64_t moment =
					zone_moment(zone, local + minute * 60 + second);

				if (moment > after)
					return moment;
			}
		}
	}
	return SCHEDULE_NEVER;
}

int64_t schedule_next(const struct schedule *schedule, const struct zone *zone, int64_t after)
{
	/* a day before, since what was left out then may come now */
	int64_t day = calendar_floor(after + zone_offset(zone, after), DAY) - 1;

	for (int64_t last = day + DAYS_AHEAD; day <= last; day++) {
		int64_t next, begin, end;

		if (!is_day(schedule, day))
			continue;
		if (schedule->hours == ALL_HOURS) {
			begin = zone_moment(zone, day * DAY);
			end = zone_moment(zone, (day + 1) * DAY);
			next = end <= after + 1
				       ? SCHEDULE_NEVER
				       : next_passing(schedule, zone,
						      begin > after ? begin : after + 1, end);
		} else {
			next = next_shown(schedule, zone, day, after);
		}
		if (next != SCHEDULE_NEVER)
			return next;
	}
	return SCHEDULE_NEVER;
}
