/* table.c - aligned columns. */
#include "ctl/table.h"

#include "base/array.h"
#include "ctl/terminal.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

void table_fini(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
}

void table_add(struct table *table, enum table_colour colour, const char *format, ...)
{
	struct table_cell *cell = array_add(&table->cells, &table->count, sizeof(*cell));
	va_list arguments;

	table->incomplete |= !cell;
	if (!cell)
		return;
	va_start(arguments, format);
	cell->text = terminal_vprint(format, arguments, 0);
	va_end(arguments);
	cell->colour = colour;
	table->incomplete |= !cell->text;
}

const char *table_colour_begin(enum table_colour colour, bool colours)
{
	static const char *const sequences[] = {"", "\033[32m", "\033[33m", "\033[31m",
						"\033[2m"};

	return colours ? sequences[colour] : "";
}

const char *table_colour_end(bool colours)
{
	return colours ? "\033[0m" : "";
}

static bool is_right(const struct table *table, size_t column)
{
	return table->headers[column][0] == '>';
}

static const char *header(const struct table *table, size_t column)
{
	return table->headers[column] + is_right(table, column);
}

static const char *cell_text(const struct table *table, size_t i)
{
	return table->cells[i].text ? table->cells[i].text : "?";
}

static void print_cell(const struct table *table, FILE *out, size_t column, const char *text,
		       size_t width, const char *begin, const char *end)
{
	size_t used = terminal_width(text);
	int pad = (int)(width > used ? width - used : 0);
	bool last = !table->headers[column + 1];

	if (is_right(table, column))
		fprintf(out, "%*s%s%s%s", pad, "", begin, text, end);
	else
		fprintf(out, "%s%s%s%*s", begin, text, end, last ? 0 : pad, "");
	fputs(last ? "\n" : "  ", out);
}

static void widen(struct table *table, size_t column, const char *text)
{
	size_t width = terminal_width(text);

	if (width > table->widths[column])
		table->widths[column] = width;
}

bool table_print(struct table *table, FILE *out, bool colours)
{
	bool complete = !table->incomplete;
	size_t columns = 0, count;

	while (table->headers[columns])
		columns++;
	count = table->count / columns * columns;
	for (size_t c = 0; c < columns; c++)
		widen(table, c, header(table, c));
	for (size_t i = 0; i < count; i++)
		widen(table, i % columns, cell_text(table, i));
	for (size_t c = 0; c < columns && !table->begun; c++)
		print_cell(table, out, c, header(table, c), table->widths[c],
			   table_colour_begin(TABLE_FAINT, colours), table_colour_end(colours));
	table->begun = true;
	for (size_t i = 0; i < count; i++) {
		enum table_colour colour = table->cells[i].colour;

		print_cell(table, out, i % columns, cell_text(table, i),
			   table->widths[i % columns], table_colour_begin(colour, colours),
			   colour == TABLE_PLAIN ? "" : table_colour_end(colours));
	}
	table->incomplete = false;
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i].text);
	table->count = 0;
	return complete;
}
