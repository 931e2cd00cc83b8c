/* zone.c - see zone.h. */
#include "zone.h"
#include "calendar.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX   (1 << 20)
#define NAME_MAX_  200
#define HEADER     44
#define KINDS_MAX  256
#define OFFSET_MAX (26 * 3600) /* of what RFC 8536 allows */
#define DAY        86400

/* When the clocks are changed, by the rule that holds from the last change in the file on. */
struct change {
	enum { RULE_MONTH, RULE_JULIAN, RULE_ZERO_BASED } kind;
	int month, week, day;
	int32_t time; /* seconds from midnight */
};

struct rule {
	bool is_there, has_summer;
	int32_t standard, summer; /* ahead of UTC */
	struct change begin, end; /* of summer time */
};

struct zone {
	size_t n;
	int64_t *at;         /* of each change */
	unsigned char *kind; /* from then on */
	int32_t offsets[KINDS_MAX];
	struct rule rule;
};

/* ------------------------------------------------------------------ the rule
 *
 * As the variable TZ of POSIX: "CET-1CEST,M3.5.0,M10.5.0/3".
 */

static bool skip_name(const char **at)
{
	const char *from = *at;

	if (**at == '<') {
		*at += strcspn(*at, ">");
		if (**at != '>')
			return false;
		(*at)++;
		return *at - from > 2;
	}
	while (isalpha((unsigned char)**at))
		(*at)++;
	return *at - from >= 3;
}

static bool read_number(const char **at, int least, int most, int *ret_number)
{
	int number = 0;

	if (!isdigit((unsigned char)**at))
		return false;
	while (isdigit((unsigned char)**at) && number < 100000)
		number = number * 10 + *(*at)++ - '0';
	*ret_number = number;
	return number >= least && number <= most;
}

/* [+-]h[:m[:s]] */
static bool read_time(const char **at, int most, int32_t *ret_seconds)
{
	int hours, minutes = 0, seconds = 0;
	bool is_negative = **at == '-';

	if (**at == '-' || **at == '+')
		(*at)++;
	if (!read_number(at, 0, most, &hours))
		return false;
	if (**at == ':') {
		(*at)++;
		if (!read_number(at, 0, 59, &minutes))
			return false;
	}
	if (**at == ':') {
		(*at)++;
		if (!read_number(at, 0, 59, &seconds))
			return false;
	}
	*ret_seconds = hours * 3600 + minutes * 60 + seconds;
	if (is_negative)
		*ret_seconds = -*ret_seconds;
	return true;
}

static bool read_change(const char **at, struct change *change)
{
	bool is_good;

	if (*(*at)++ != ',')
		return false;
	*change = (struct change){.time = 2 * 3600};
	if (**at == 'M') {
		(*at)++;
		change->kind = RULE_MONTH;
		is_good = read_number(at, 1, 12, &change->month) && *(*at)++ == '.' &&
			  read_number(at, 1, 5, &change->week) && *(*at)++ == '.' &&
			  read_number(at, 0, 6, &change->day);
	} else if (**at == 'J') {
		(*at)++;
		change->kind = RULE_JULIAN;
		is_good = read_number(at, 1, 365, &change->day);
	} else {
		change->kind = RULE_ZERO_BASED;
		is_good = read_number(at, 0, 365, &change->day);
	}
	if (is_good && **at == '/') {
		(*at)++;
		is_good = read_time(at, 167, &change->time);
	}
	return is_good;
}

static bool read_rule(const char *text, struct rule *rule)
{
	int32_t behind;

	if (!*text)
		return true; /* the last change in the file is the last */
	if (!skip_name(&text) || !read_time(&text, 24, &behind))
		return false;
	rule->is_there = true;
	rule->standard = -behind;
	if (!*text)
		return true;
	rule->has_summer = true;
	rule->summer = rule->standard + 3600;
	if (!skip_name(&text))
		return false;
	if (*text != ',') {
		if (!read_time(&text, 24, &behind))
			return false;
		rule->summer = -behind;
	}
	return read_change(&text, &rule->begin) && read_change(&text, &rule->end) && !*text;
}

/* In the year's local time, whatever that is then. */
static int64_t change_local(const struct change *change, int64_t year)
{
	int64_t day;

	if (change->kind == RULE_MONTH) {
		int64_t first = calendar_day(year, change->month, 1);
		int ahead = (change->day - calendar_weekday(first) + 7) % 7;
		int in_month = 1 + ahead + (change->week - 1) * 7;

		while (in_month > calendar_month_days(year, change->month))
			in_month -= 7;
		day = first + in_month - 1;
	} else {
		day = calendar_day(year, 1, 1) + change->day;
		/* Jn does not count the 29th of February */
		if (change->kind == RULE_JULIAN)
			day -= change->day >= 60 && calendar_is_leap(year) ? 0 : 1;
	}
	return day * DAY + change->time;
}

static int32_t rule_offset(const struct rule *rule, int64_t at)
{
	struct calendar_date date;
	int64_t begin, end;

	if (!rule->has_summer)
		return rule->standard;
	calendar_date(calendar_floor(at + rule->standard, DAY), &date);
	begin = change_local(&rule->begin, date.year) - rule->standard;
	end = change_local(&rule->end, date.year) - rule->summer;
	if (begin < end)
		return begin <= at && at < end ? rule->summer : rule->standard;
	return end <= at && at < begin ? rule->standard : rule->summer;
}

/* ------------------------------------------------------------------ the file */

struct reader {
	const unsigned char *bytes;
	size_t size, at;
};

static const unsigned char *take(struct reader *reader, size_t size)
{
	const unsigned char *bytes = reader->bytes + reader->at;

	if (size > reader->size - reader->at)
		return NULL;
	reader->at += size;
	return bytes;
}

static uint32_t number4(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static int64_t number8(const unsigned char *bytes)
{
	return (int64_t)((uint64_t)number4(bytes) << 32 | number4(bytes + 4));
}

enum { IS_UT, IS_STANDARD, LEAPS, TIMES, KINDS, CHARS, COUNTS };

static bool read_header(struct reader *reader, uint32_t counts[COUNTS])
{
	const unsigned char *header = take(reader, HEADER);

	if (!header || memcmp(header, "TZif", 4) != 0 || header[4] < '2')
		return false;
	for (int i = 0; i < COUNTS; i++) {
		counts[i] = number4(header + 20 + 4 * i);
		if (counts[i] > FILE_MAX)
			return false;
	}
	return true;
}

/* The first part is for readers of version 1. */
static bool skip_first(struct reader *reader)
{
	uint32_t n[COUNTS];

	return read_header(reader, n) &&
	       take(reader, (size_t)n[TIMES] * 5 + (size_t)n[KINDS] * 6 + n[CHARS] +
				    (size_t)n[LEAPS] * 8 + n[IS_STANDARD] + n[IS_UT]);
}

static int read_changes(struct reader *reader, struct zone *zone, const uint32_t n[COUNTS])
{
	const unsigned char *times = take(reader, (size_t)n[TIMES] * 8);
	const unsigned char *kinds = take(reader, n[TIMES]);
	const unsigned char *records = take(reader, (size_t)n[KINDS] * 6);

	if (!times || !kinds || !records || n[KINDS] == 0 || n[KINDS] > KINDS_MAX)
		return -EBADMSG;
	zone->at = calloc(n[TIMES] + 1, sizeof(*zone->at));
	zone->kind = calloc(n[TIMES] + 1, 1);
	if (!zone->at || !zone->kind)
		return -ENOMEM;
	zone->n = n[TIMES];
	for (size_t i = 0; i < zone->n; i++) {
		zone->at[i] = number8(times + 8 * i);
		zone->kind[i] = kinds[i];
		if (kinds[i] >= n[KINDS] || (i > 0 && zone->at[i] <= zone->at[i - 1]))
			return -EBADMSG;
	}
	for (size_t i = 0; i < n[KINDS]; i++) {
		zone->offsets[i] = (int32_t)number4(records + 6 * i);
		if (zone->offsets[i] > OFFSET_MAX || zone->offsets[i] < -OFFSET_MAX)
			return -EBADMSG;
	}
	return 0;
}

static int read_zone(struct reader *reader, struct zone *zone)
{
	uint32_t n[COUNTS];
	char rule[256];
	size_t size;
	int rc;

	if (!skip_first(reader) || !read_header(reader, n))
		return -EBADMSG;
	rc = read_changes(reader, zone, n);
	if (rc < 0)
		return rc;
	if (!take(reader, n[CHARS] + (size_t)n[LEAPS] * 12 + n[IS_STANDARD] + (size_t)n[IS_UT]))
		return -EBADMSG;
	size = reader->size - reader->at;
	if (size < 2 || size > sizeof(rule) || reader->bytes[reader->at] != '\n' ||
	    reader->bytes[reader->size - 1] != '\n')
		return -EBADMSG;
	memcpy(rule, reader->bytes + reader->at + 1, size - 2);
	rule[size - 2] = '\0';
	return read_rule(rule, &zone->rule) ? 0 : -EBADMSG;
}

static bool is_name(const char *name)
{
	return *name && strlen(name) <= NAME_MAX_ && *name != '/' && !strstr(name, "..") &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_+-/")] == '\0';
}

static int read_file(const char *path, unsigned char *bytes, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
	size_t size = 0;
	ssize_t n;

	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	while (size < FILE_MAX && (n = read(fd, bytes + size, FILE_MAX - size)) > 0)
		size += (size_t)n;
	rc = size == FILE_MAX ? -EBADMSG : n < 0 ? (errno == EISDIR ? -ENOENT : -errno) : 0;
	close(fd);
	*ret_size = size;
	return rc;
}

int zone_new(const char *name, struct zone **ret_zone)
{
	struct zone *zone = calloc(1, sizeof(*zone));
	unsigned char *bytes = malloc(FILE_MAX);
	struct reader reader = {.bytes = bytes};
	char path[256] = "/etc/localtime";
	int rc = zone && bytes ? 0 : -ENOMEM;

	if (rc == 0 && strcmp(name, "UTC") != 0) {
		if (strcmp(name, "local") != 0) {
			(void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
			rc = is_name(name) ? 0 : -ENOENT;
		}
		if (rc == 0)
			rc = read_file(path, bytes, &reader.size);
		if (rc == 0)
			rc = read_zone(&reader, zone);
	}
	free(bytes);
	if (rc < 0)
		zone_free(zone);
	else
		*ret_zone = zone;
	return rc;
}

void zone_free(struct zone *zone)
{
	if (!zone)
		return;
	free(zone->at);
	free(zone->kind);
	free(zone);
}

/* ------------------------------------------------------------------ times */

int32_t zone_offset(const struct zone *zone, int64_t at)
{
	size_t low = 0, high = zone->n;

	if (zone->n == 0 || at < zone->at[0])
		return zone->n == 0 && zone->rule.is_there ? rule_offset(&zone->rule, at)
							   : zone->offsets[0];
	if (at >= zone->at[zone->n - 1] && zone->rule.is_there)
		return rule_offset(&zone->rule, at);
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (at >= zone->at[middle])
			low = middle;
		else
			high = middle;
	}
	return zone->offsets[zone->kind[low]];
}

/* Between two moments with other offsets: the first that has the later one. */
static int64_t find_change(const struct zone *zone, int64_t before, int64_t after)
{
	const int32_t offset = zone_offset(zone, before);

	while (after - before > 1) {
		int64_t middle = before + (after - before) / 2;

		if (zone_offset(zone, middle) == offset)
			before = middle;
		else
			after = middle;
	}
	return after;
}

int64_t zone_moment(const struct zone *zone, int64_t local)
{
	/* those that hold on either side of whatever change there may be */
	const int64_t early = local - OFFSET_MAX, late = local + OFFSET_MAX;
	const int32_t offsets[2] = {zone_offset(zone, early), zone_offset(zone, late)};

	for (int i = 0; i < 2; i++)
		if (zone_offset(zone, local - offsets[i]) == offsets[i])
			return local - offsets[i];
	return find_change(zone, early, late);
}
