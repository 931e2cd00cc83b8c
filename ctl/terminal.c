/* terminal.c - widths, and harmless text. */
#include "ctl/terminal.h"

#include "base/text.h"
#include <stdio.h>
#include <string.h>

void terminal_defuse(char *text, int keep_lines)
{
	unsigned char *at = (unsigned char *)text;
	size_t left = strlen(text);

	while (left > 0) {
		size_t size = text_utf8_size((char *)at, left);
		/* C1 controls are U+0080 .. U+009F: C2 80 .. C2 9F. */
		int control = size == 1 ? *at < 0x20 || *at == 0x7f
					: size == 2 && at[0] == 0xc2 && at[1] < 0xa0;

		if (size == 1 && *at == '\n' && keep_lines)
			control = 0;
		if (size == 0)
			size = 1, control = 1;
		if (control)
			memset(at, '?', size);
		at += size;
		left -= size;
	}
}

char *terminal_vprint(const char *format, va_list arguments, int keep_lines)
{
	char *text;

	if (vasprintf(&text, format, arguments) < 0)
		return NULL;
	terminal_defuse(text, keep_lines);
	return text;
}

const char *terminal_plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

const char *terminal_plural_of(const char *noun, int64_t n)
{
	const size_t length = strlen(noun);
	const bool hisses = length >= 2 && strcmp(noun + length - 2, "ch") == 0;

	return n == 1 ? "" : hisses ? "es" : "s";
}

struct character_range {
	uint32_t first, last;
};

/* Marks that sit on the character before them, and what shows nothing. */
static const struct character_range narrow[] = {
	{0x0300, 0x036f},  {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
	{0x064b, 0x065f},  {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff},
	{0x1dc0, 0x1dff},  {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},
	{0x20d0, 0x20ff},  {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
	{0xe0100, 0xe01ef}};

/* East Asian wide characters and pictures. */
static const struct character_range wide[] = {
	{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},  {0x3400, 0x4dbf},
	{0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},  {0xf900, 0xfaff},
	{0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f},
	{0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

static int is_in(uint32_t character, const struct character_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return 1;
	return 0;
}

static uint32_t decode(const unsigned char *at, size_t size)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t character = at[0] & masks[size];

	for (size_t i = 1; i < size; i++)
		character = character << 6 | (at[i] & 0x3f);
	return character;
}

size_t terminal_width(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strlen(text), width = 0;

	while (left > 0) {
		size_t size = text_utf8_size((const char *)at, left);
		uint32_t character = size ? decode(at, size) : '?';

		size = size ? size : 1;
		if (is_in(character, wide, sizeof(wide) / sizeof(wide[0])))
			width += 2;
		else if (!is_in(character, narrow, sizeof(narrow) / sizeof(narrow[0])))
			width++;
		at += size;
		left -= size;
	}
	return width;
}

void terminal_print_bytes(int64_t bytes, char *text, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1024;
	snprintf(text, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void terminal_print_ms(int64_t ms, char *text, size_t size)
{
	int64_t seconds = ms / 1000;

	if (ms < 1000)
		snprintf(text, size, "%lldms", (long long)ms);
	else if (seconds < 10)
		snprintf(text, size, "%lld.%llds", (long long)seconds,
			 (long long)(ms % 1000 / 100));
	else if (seconds < 60)
		snprintf(text, size, "%llds", (long long)seconds);
	else if (seconds < 3600)
		snprintf(text, size, "%lldmin %llds", (long long)(seconds / 60),
			 (long long)(seconds % 60));
	else if (seconds < 86400)
		snprintf(text, size, "%lldh %lldmin", (long long)(seconds / 3600),
			 (long long)(seconds % 3600 / 60));
	else
		snprintf(text, size, "%lldd %lldh", (long long)(seconds / 86400),
			 (long long)(seconds % 86400 / 3600));
}
