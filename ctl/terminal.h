/* terminal.h - text for people: how wide it is, and nothing in it that a terminal would obey.
 *
 * Pure; the widths follow Unicode, not the locale.
 */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Replace control characters (C0, DEL, C1) and broken UTF-8 by '?', in place: what came from
 * elsewhere must not move cursors or change titles. Newlines stay when keep_lines is not 0. */
void terminal_defuse(char *text, int keep_lines);

/* What printf() would print, defused; given. NULL: no memory. */
char *terminal_vprint(const char *format, va_list arguments, int keep_lines)
	__attribute__((format(printf, 1, 0)));

/* Columns that UTF-8 text takes on a terminal. */
size_t terminal_width(const char *text);

/* What a noun behind a number ends with: "s", or "" behind 1. */
const char *terminal_plural(int64_t n);
/* The same of a noun that may end in a hiss: "es" then. */
const char *terminal_plural_of(const char *noun, int64_t n);

/* Bytes as "1.2 MiB"; milliseconds as "3h 12min". Each fits 32 bytes. */
void terminal_print_bytes(int64_t bytes, char *text, size_t size);
void terminal_print_ms(int64_t ms, char *text, size_t size);

#endif
