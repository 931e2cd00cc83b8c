#include "symbolize/source_lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 200

/* The unit of compilation that holds an address. Sought for itself: not every compiler writes
 * the index of addresses that dwarf_addrdie() needs. */
static bool find_unit(Dwarf *debug, uint64_t address, Dwarf_Die *ret_unit)
{
	Dwarf_Off offset = 0, next;
	size_t head;

	while (dwarf_nextcu(debug, offset, &next, &head, NULL, NULL, NULL) == 0) {
		if (dwarf_offdie(debug, offset + head, ret_unit) &&
		    dwarf_haspc(ret_unit, address) > 0)
			return true;
		offset = next;
	}
	return false;
}

static void write_name(const char *name, FILE *out)
{
	for (size_t i = 0; i < NAME_MAX_BYTES && name[i]; i++)
		(void)fputc((unsigned char)name[i] <= ' ' || name[i] == 0x7f ? '?' : name[i],
			    out);
}

static void write_place(unsigned index, Dwarf_Die *function, const char *file, int line,
			FILE *out)
{
	Dwarf_Attribute attribute;
	const char *slash = file ? strrchr(file, '/') : NULL;
	const char *name =
		dwarf_formstring(dwarf_attr_integrate(function, DW_AT_name, &attribute));

	if (!name || !file || line <= 0)
		return;
	(void)fprintf(out, "%u ", index);
	write_name(name, out);
	(void)fputc(' ', out);
	write_name(slash ? slash + 1 : file, out);
	(void)fprintf(out, ":%d\n", line);
}

/* Where an inlined function was called from. */
static void read_caller(Dwarf_Die *unit, Dwarf_Die *inlined, const char **ret_file,
			int *ret_line)
{
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	Dwarf_Word file, line;
	size_t n_files;

	*ret_file = NULL;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) < 0 ||
	    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) < 0 ||
	    dwarf_getsrcfiles(unit, &files, &n_files) < 0 || file >= n_files ||
	    line > INT32_MAX)
		return;
	*ret_file = dwarf_filesrc(files, file, NULL, NULL);
	*ret_line = (int)line;
}

/* The scopes around the address, from the innermost one outwards. Those that dwarf_getscopes()
 * gives beyond an inlined function are where it was written; wanted are those that it was
 * inlined into. */
static int find_scopes(Dwarf_Die *unit, uint64_t address, Dwarf_Die **ret_scopes)
{
	Dwarf_Die *written;
	int n = dwarf_getscopes(unit, address, &written);

	if (n <= 0)
		return 0;
	n = dwarf_getscopes_die(&written[0], ret_scopes);
	free(written);
	return n;
}

static void write_scopes(Dwarf_Die *unit, uint64_t address, unsigned index, FILE *out)
{
	Dwarf_Line *source = dwarf_getsrc_die(unit, address);
	const char *file = NULL;
	unsigned depth = 0;
	Dwarf_Die *scopes = NULL;
	int line = 0, n;

	if (source) {
		file = dwarf_linesrc(source, NULL, NULL);
		if (dwarf_lineno(source, &line) < 0)
			file = NULL;
	}
	n = find_scopes(unit, address, &scopes);
	for (int i = 0; i < n && depth < SOURCE_LINES_DEPTH; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		write_place(index, &scopes[i], file, line, out);
		depth++;
		if (tag == DW_TAG_subprogram)
			break;
		read_caller(unit, &scopes[i], &file, &line);
	}
	free(scopes);
}

void source_lines_write(int fd, uint64_t address, unsigned index, FILE *out)
{
	Dwarf *debug = dwarf_begin(fd, DWARF_C_READ);
	Dwarf_Die unit;

	if (!debug)
		return;
	if (find_unit(debug, address, &unit))
		write_scopes(&unit, address, index, out);
	(void)dwarf_end(debug);
}
