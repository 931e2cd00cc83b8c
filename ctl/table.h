/* table.h - a table for people: aligned columns, colours only where they are wanted.
 *
 * Memory of the caller, zero but for the headers; cells are copied. When memory runs out, rows
 * are missing, which table_print() returns.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS 12

enum table_colour { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD, TABLE_FAINT };

struct table_cell {
	char *text;
	enum table_colour colour;
};

struct table {
	/* All that its owner sets, borrowed; a '>' before one: numbers, aligned to the right */
	const char *headers[TABLE_COLUMNS + 1];
	struct table_cell *cells; /* row by row */
	size_t count;
	size_t widths[TABLE_COLUMNS]; /* so far */
	bool begun;                   /* the headers were printed */
	bool incomplete;
};

void table_fini(struct table *table);

/* The next cell, from left to right, row after row. */
void table_add(struct table *table, enum table_colour colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Print the rows that are there and empty the table; the first time with the headers above
 * them. A long table can so be printed in parts: its columns grow, they never shrink. false:
 * there was no memory for some of it. */
bool table_print(struct table *table, FILE *out, bool colours);

/* The escape sequences around coloured text; "" without colours. */
const char *table_colour_begin(enum table_colour colour, bool colours);
const char *table_colour_end(bool colours);

#endif
