/* conf.c - lines, sections, assignments. */
#include "config/conf.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* One text on its way through the parser. */
struct conf_parser {
	struct conf *conf;
	struct problems *problems;
	const char *file;
	char *section; /* NULL: before the first header */
	unsigned section_line;
	bool bad_section; /* its header was wrong: one problem is enough for all that is below
			   */
	char *logical;    /* the lines joined so far; NULL: not in a continuation */
	size_t logical_size;
	unsigned logical_line;
};

void conf_fini(struct conf *conf)
{
	for (size_t i = 0; i < conf->n; i++) {
		free(conf->entries[i].section);
		free(conf->entries[i].key);
		free(conf->entries[i].value);
	}
	free(conf->entries);
	texts_free(conf->files, conf->n_files);
	*conf = (struct conf){0};
}

int conf_add(struct conf *conf, const char *section, const char *key, const char *value,
	     const char *file, unsigned line)
{
	bool is_known = conf->n_files > 0 && strcmp(conf->files[conf->n_files - 1], file) == 0;
	int r = is_known ? 0 : texts_add(&conf->files, &conf->n_files, file);
	struct conf_entry *entry =
		r == 0 ? array_add(&conf->entries, &conf->n, sizeof(*entry)) : NULL;

	if (!entry)
		return -ENOMEM;
	entry->file = conf->files[conf->n_files - 1];
	entry->line = line;
	entry->section = strdup(section);
	entry->key = strdup(key);
	entry->value = strdup(value);
	/* It is freed with the conf, half filled in or not. */
	return entry->section && entry->key && entry->value ? 0 : -ENOMEM;
}

/* Note a mistake in the logical line. */
#define complain(parser, ...)                                                                  \
	problems_add((parser)->problems, (parser)->file, (parser)->logical_line, __VA_ARGS__)

/* Cut blanks off both ends of a text that may be written to. */
static char *strip(char *text)
{
	size_t size;

	text += strspn(text, BLANKS);
	size = strlen(text);
	while (size > 0 && strchr(BLANKS, text[size - 1]))
		size--;
	text[size] = '\0';
	return text;
}

static int take_header(struct conf_parser *parser, char *line)
{
	size_t size = strlen(line);

	free(parser->section);
	parser->section = NULL;
	parser->bad_section = true;
	if (line[size - 1] != ']')
		return complain(
			parser,
			"the section header \"%.60s\" lacks its \"]\" at the end of the line",
			line);
	line[size - 1] = '\0';
	if (size == 2 || strpbrk(line + 1, "[]"))
		return complain(parser, "\"%.60s]\" is not a section header; write [Name]",
				line);
	parser->section = strdup(line + 1);
	parser->section_line = parser->logical_line;
	parser->bad_section = false;
	return parser->section ? 0 : -ENOMEM;
}

/* A whole line, its continuations included; written to. */
static int take_line(struct conf_parser *parser, char *line)
{
	char *equals, *key;
	int r;

	line = strip(line);
	if (*line == '\0')
		return 0;
	if (*line == '[')
		return take_header(parser, line);
	equals = strchr(line, '=');
	if (!equals)
		return complain(parser,
				"\"%.60s\" is neither Key=value nor a [Section]; comments "
				"begin with \"#\"",
				line);
	*equals = '\0';
	key = strip(line);
	if (*key == '\0')
		return complain(parser, "there is no key before \"=\"");
	if (parser->bad_section)
		return 0;
	if (!parser->section)
		return complain(parser,
				"%.60s= is before the first section; write the line [Section] "
				"above it",
				key);
	r = conf_add(parser->conf, parser->section, key, strip(equals + 1), parser->file,
		     parser->logical_line);
	if (r == 0)
		parser->conf->entries[parser->conf->n - 1].section_line = parser->section_line;
	return r;
}

/* Whether an odd number of backslashes ends the line: the last one continues it. */
static bool is_continued(const char *line, size_t size)
{
	size_t n = 0;

	while (n < size && line[size - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

static int finish_logical(struct conf_parser *parser)
{
	cleanup_free char *line = take_pointer(&parser->logical);

	return line ? take_line(parser, line) : 0;
}

/* A line as it is in the file, without its end. */
static int take_physical(struct conf_parser *parser, const char *line, size_t size,
			 unsigned number)
{
	size_t blanks = 0;
	bool continued;
	char *joined;

	while (blanks < size && strchr(" \t", line[blanks]))
		blanks++;
	if (blanks < size && (line[blanks] == '#' || line[blanks] == ';'))
		return 0; /* and a continuation goes on behind it */
	if (!parser->logical) {
		parser->logical_line = number;
		parser->logical_size = 0;
	}
	if (size > LIMIT_CONFIG_LINE - parser->logical_size) {
		free(take_pointer(&parser->logical));
		return complain(parser, "the line is longer than %u bytes", LIMIT_CONFIG_LINE);
	}
	continued = is_continued(line, size);
	joined = realloc(parser->logical, parser->logical_size + size + 1);
	if (!joined)
		return -ENOMEM;
	memcpy(joined + parser->logical_size, line, size);
	parser->logical = joined;
	parser->logical_size += size;
	joined[parser->logical_size] = '\0';
	if (continued) {
		joined[parser->logical_size - 1] = ' ';
		return 0;
	}
	return finish_logical(parser);
}

/* A NUL or a character that is not UTF-8 makes the whole file suspect: it is not read at all.
 */
static int check_text(struct conf_parser *parser, const char *text, size_t size)
{
	parser->logical_line = 1;
	for (size_t at = 0; at < size;) {
		size_t n = text_utf8_size(text + at, size - at);

		if (n == 0)
			return complain(
				parser,
				"a byte here is not UTF-8 (0x%02x); save the file as UTF-8",
				(unsigned char)text[at]);
		if (text[at] == '\0')
			return complain(parser, "a NUL byte; this is not a text file");
		if (text[at] == '\n')
			parser->logical_line++;
		at += n;
	}
	return 0;
}

static int parse_text(struct conf_parser *parser, const char *text, size_t size)
{
	const char *end = text + size;
	int result = 0;

	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	for (unsigned number = 1; text < end && result != -ENOMEM; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *next = newline ? newline + 1 : end;
		size_t line_size = (size_t)((newline ? newline : end) - text);

		if (line_size > 0 && text[line_size - 1] == '\r')
			line_size--;
		result = problems_worse(result, take_physical(parser, text, line_size, number));
		text = next;
	}
	/* A backslash at the very end of the file continues nothing. */
	return problems_worse(result, finish_logical(parser));
}

int conf_parse(struct conf *conf, const char *file, const char *text, size_t size,
	       struct problems *problems)
{
	struct conf_parser parser = {.conf = conf, .problems = problems, .file = file};
	int r;

	if (size > LIMIT_CONFIG_FILE)
		return problems_add(problems, file, 0, "the file is larger than %u bytes",
				    LIMIT_CONFIG_FILE);
	r = check_text(&parser, text, size);
	if (r == 0)
		r = parse_text(&parser, text, size);
	free(parser.section);
	free(parser.logical);
	return r;
}

int conf_read(struct conf *conf, const char *path, struct problems *problems)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = io_file_read(AT_FDCWD, path, LIMIT_CONFIG_FILE, &text, &size);

	if (r == -ENOMEM)
		return r;
	if (r == -EFBIG)
		return problems_add(problems, path, 0, "the file is larger than %u bytes",
				    LIMIT_CONFIG_FILE);
	if (r == -EINVAL || r == -EISDIR)
		return problems_add(problems, path, 0, "this is not a regular file");
	if (r < 0)
		return problems_add(problems, path, 0, "cannot be read: %s", strerror(-r));
	return conf_parse(conf, path, text, size, problems);
}
