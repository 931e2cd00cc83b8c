/* calendar.h - days and dates of the Gregorian calendar. Pure. */
#ifndef CRON_CALENDAR_H
#define CRON_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

struct calendar_date {
	int64_t year;
	int month, day; /* 1.. */
};

/* Towards minus infinity. */
static inline int64_t calendar_floor(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static inline bool calendar_is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline int calendar_month_days(int64_t year, int month)
{
	return month == 2 ? 28 + calendar_is_leap(year) : 30 + ((month + month / 8) & 1);
}

/* Days since 1970-01-01. */
static inline int64_t calendar_day(int64_t year, int month, int day)
{
	/* years begin in March, so that the leap day is the last of one */
	const int64_t y = year - (month <= 2), era = calendar_floor(y, 400);
	const int64_t of_era = y - era * 400;
	const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static inline void calendar_date(int64_t days, struct calendar_date *ret_date)
{
	const int64_t shifted = days + 719468, era = calendar_floor(shifted, 146097);
	const int64_t of_era = shifted - era * 146097;
	const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	const int64_t month = (5 * of_year + 2) / 153;

	ret_date->day = (int)(of_year - (153 * month + 2) / 5 + 1);
	ret_date->month = (int)(month < 10 ? month + 3 : month - 9);
	ret_date->year = year + era * 400 + (ret_date->month <= 2);
}

/* 0: Sunday. */
static inline int calendar_weekday(int64_t days)
{
	int64_t weekday = (days + 4) % 7;

	return (int)(weekday < 0 ? weekday + 7 : weekday);
}

#endif
