/* source_lines.h - where in a plug-in's sources an address of its code comes from, by its debug
 * information.
 *
 * The file is hostile input, and so is what libdw makes of it: used in troupe-symbolize only, a
 * process with no rights and little time. One thread.
 */
#ifndef SYMBOLIZE_SOURCE_LINES_H
#define SYMBOLIZE_SOURCE_LINES_H

#include <stdint.h>
#include <stdio.h>

#define SOURCE_LINES_DEPTH 8 /* functions inlined into one another that are reported */

/* Write a line "INDEX FUNCTION FILE:LINE" for each function at `address` of the file `fd`
 * (borrowed; read from its beginning), the innermost of those inlined into one another first,
 * the one that was not inlined last. Blanks and control characters of names become '?'. What is
 * not known is left out: no line at all where there is no debug information. */
void source_lines_write(int fd, uint64_t address, unsigned index, FILE *out);

#endif
