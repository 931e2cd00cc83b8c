/* conf_key.c - assignments to fields. */
#include "config/conf_key.h"

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX    64 /* keys of all tables of a section */
#define SECTIONS_MAX 4
#define SWAPPED_MAX  64 /* bytes of a field that only a new start may change */

void conf_list_fini(struct conf_list *list)
{
	texts_free(list->words, list->n);
	*list = (struct conf_list){0};
}

int conf_set_uint(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	uint64_t value;

	if (text_parse_uint(setting->value, key->min, key->max, &value) < 0)
		return conf_refuse(setting, "must be a number from %llu to %llu",
				   (unsigned long long)key->min, (unsigned long long)key->max);
	*(uint32_t *)field = (uint32_t)value;
	return 0;
}

static void print_size(uint64_t bytes, char *text, size_t size)
{
	static const char *const suffixes[] = {"", "K", "M", "G", "T"};
	unsigned i = 0;

	for (; i + 1 < ARRAY_LEN(suffixes) && bytes > 0 && bytes % 1024 == 0; i++)
		bytes /= 1024;
	snprintf(text, size, "%llu%s", (unsigned long long)bytes, suffixes[i]);
}

int conf_set_size(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	char min[32], max[32];
	uint64_t bytes;

	if (setting->line == 0) /* a number, of which no file says how it may be written */
		return conf_set_uint(key, setting, field);
	if (text_parse_size(setting->value, key->min, key->max, &bytes) < 0) {
		print_size(key->min, min, sizeof(min));
		print_size(key->max, max, sizeof(max));
		return conf_refuse(setting, "must be a size from %s to %s, like 64K", min, max);
	}
	if (key->size == sizeof(uint32_t))
		*(uint32_t *)field = (uint32_t)bytes;
	else
		*(uint64_t *)field = bytes;
	return 0;
}

int conf_set_span(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	uint64_t ns;

	if (text_parse_span_ns(setting->value, &ns) < 0 || ns < key->min || ns > key->max) {
		char min[64], max[64];

		text_print_span_ns(key->min, min, sizeof(min));
		text_print_span_ns(key->max, max, sizeof(max));
		return conf_refuse(setting,
				   "must be a time from %s to %s, like 500ms or 1min 30s", min,
				   max);
	}
	*(uint64_t *)field = ns;
	return 0;
}

int conf_set_bool(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	(void)key;
	if (text_parse_bool(setting->value, field) < 0)
		return conf_refuse(setting, "must be yes or no");
	return 0;
}

int conf_set_choice(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	char list[256] = "";

	for (unsigned i = 0; key->choices[i]; i++) {
		size_t used = strlen(list);

		if (strcmp(setting->value, key->choices[i]) == 0) {
			*(unsigned *)field = i;
			return 0;
		}
		snprintf(list + used, sizeof(list) - used, "%s%s",
			 i == 0                ? ""
			 : key->choices[i + 1] ? ", "
					       : " or ",
			 key->choices[i]);
	}
	return conf_refuse(setting, "must be %s", list);
}

int conf_set_text(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	size_t size = strlen(setting->value);
	char *text;

	if (key->max > 0 && size > key->max)
		return conf_refuse(setting, "has %zu bytes, at most %llu are possible", size,
				   (unsigned long long)key->max);
	text = strdup(setting->value);
	if (!text)
		return -ENOMEM;
	free(*(char **)field);
	*(char **)field = text;
	return 0;
}

/* An absolute path without slashes at its end; given. */
static int parse_path(const struct conf_key *key, const struct conf_setting *setting,
		      const char *value, char **ret_path)
{
	size_t size = strlen(value);
	char *path;

	if (*value != '/')
		return conf_refuse(setting,
				   "must be an absolute path, one that begins with \"/\"");
	while (size > 1 && value[size - 1] == '/')
		size--;
	if (size > key->max)
		return conf_refuse(
			setting,
			"the path has %zu bytes, at most %llu are possible; choose a "
			"shorter one",
			size, (unsigned long long)key->max);
	path = strndup(value, size);
	if (!path)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

int conf_set_path(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	char *path = NULL;
	int r = parse_path(key, setting, setting->value, &path);

	if (r < 0)
		return r;
	free(*(char **)field);
	*(char **)field = path;
	return 0;
}

int conf_set_paths(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	struct conf_list *list = field;
	char **words;
	const char *error;
	size_t n;
	int r = conf_split(setting->value, &words, &n, &error);

	if (r == -EINVAL)
		return conf_refuse(setting, "%s", error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++) {
		cleanup_free char *path = NULL;

		r = parse_path(key, setting, words[i], &path);
		if (r == 0)
			r = texts_add(&list->words, &list->n, path);
	}
	texts_free(words, n);
	return r;
}

static void *field_of(const struct conf_table *table, const struct conf_key *key)
{
	return (char *)table->target + key->offset;
}

/* An empty value: as if the key had not been there. */
static void reset(const struct conf_key *key, const struct conf_table *table)
{
	void *field = field_of(table, key);

	switch (key->kind) {
	case CONF_TEXT:
		free(*(char **)field);
		*(char **)field = NULL;
		break;
	case CONF_LIST:
		conf_list_fini(field);
		break;
	case CONF_PLAIN:
		memcpy(field, (const char *)table->defaults + key->offset, key->size);
		break;
	}
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_list(const struct conf_list *a, const struct conf_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->words[i], b->words[i]) != 0)
			return false;
	return true;
}

static bool is_same(const struct conf_key *key, const void *a, const void *b)
{
	switch (key->kind) {
	case CONF_TEXT:
		return is_same_text(*(char *const *)a, *(char *const *)b);
	case CONF_LIST:
		return is_same_list(a, b);
	case CONF_PLAIN:
		break;
	}
	return memcmp(a, b, key->size) == 0;
}

enum conf_change conf_compare(const struct conf_table *table, const void *after)
{
	enum conf_change change = CONF_SAME;

	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];

		if (key->change > change &&
		    !is_same(key, field_of(table, key), (const char *)after + key->offset))
			change = key->change;
	}
	return change;
}

static void swap(void *a, void *b, size_t size)
{
	unsigned char kept[SWAPPED_MAX];

	check(size <= sizeof(kept));
	memcpy(kept, a, size);
	memcpy(a, b, size);
	memcpy(b, kept, size);
}

/* A former name of a key stands behind it, and sets the same field. */
static bool is_former(const struct conf_table *table, const struct conf_key *key)
{
	for (const struct conf_key *other = table->keys; other < key; other++)
		if (other->offset == key->offset)
			return true;
	return false;
}

void conf_keep(const struct conf_table *table, void *after,
	       void (*on_change)(void *context, const struct conf_key *key), void *context)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];
		void *before = field_of(table, key), *now = (char *)after + key->offset;

		if (is_same(key, before, now) || is_former(table, key))
			continue;
		if (key->change == CONF_RESTART)
			swap(before, now, key->size);
		on_change(context, key);
	}
}

/* Expand the specifiers of an entry's value; *ret_value is given. */
static int expand(const struct conf_entry *entry, const struct conf_names *names,
		  char **ret_value, struct problems *problems)
{
	const char *at;
	int r = conf_expand(entry->value, names, ret_value, &at);

	if (r == -EINVAL)
		return problems_add(
			problems, entry->file, entry->line,
			"%s=%.80s: \"%.*s\" is not a specifier; write %%%% for a percent sign",
			entry->key, entry->value,
			at[1] ? 1 + (int)text_utf8_size(at + 1, strlen(at + 1)) : 1, at);
	if (r == -E2BIG)
		return problems_add(
			problems, entry->file, entry->line,
			"%s=: the value is longer than %u bytes with its specifiers replaced",
			entry->key, LIMIT_CONFIG_LINE);
	return r;
}

static int complain_unknown(const struct conf_entry *entry, const struct conf_table *table,
			    struct problems *problems)
{
	const char *names[NAMES_MAX], *nearest;

	check(table->n <= NAMES_MAX);
	for (size_t i = 0; i < table->n; i++)
		names[i] = table->keys[i].name;
	nearest = text_nearest(entry->key, names, table->n);
	return problems_add(problems, entry->file, entry->line,
			    "unknown key %.60s= in [%s]%s%s%s", entry->key, entry->section,
			    nearest ? "; did you mean " : "", nearest ? nearest : "",
			    nearest ? "=?" : "");
}

/* NULL: there is none of that name. */
static const struct conf_key *find_key(const struct conf_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->keys[i].name, name) == 0)
			return &table->keys[i];
	return NULL;
}

static int apply(const struct conf_entry *entry, const struct conf_section *section,
		 const struct conf_names *names, struct problems *problems)
{
	cleanup_free char *value = NULL;
	struct conf_setting setting = {entry->key, entry->value, entry->file, entry->line,
				       problems};
	const struct conf_key *key = NULL;
	int r;

	if (section->table && strncmp(entry->key, "X-", 2) == 0)
		return 0;
	if (section->table && !(key = find_key(section->table, entry->key)))
		return complain_unknown(entry, section->table, problems);
	if (names) {
		r = expand(entry, names, &value, problems);
		if (r < 0)
			return r;
		setting.value = value;
	}
	if (!key)
		return conf_add(section->copy, entry->section, entry->key, setting.value,
				entry->file, entry->line);
	if (*setting.value != '\0')
		return key->set(key, &setting, field_of(section->table, key));
	reset(key, section->table);
	return 0;
}

static int complain_section(const struct conf_entry *entry, const struct conf_section *sections,
			    size_t n, struct problems *problems)
{
	const char *names[SECTIONS_MAX], *nearest;

	check(n <= SECTIONS_MAX);
	for (size_t i = 0; i < n; i++)
		names[i] = sections[i].name;
	nearest = text_nearest(entry->section, names, n);
	if (!nearest && n == 1)
		nearest = names[0];
	return problems_add(problems, entry->file, entry->section_line,
			    "unknown section [%.60s]%s%s%s", entry->section,
			    nearest ? "; did you mean [" : "", nearest ? nearest : "",
			    nearest ? "]?" : "");
}

static const struct conf_section *find_section(const char *name,
					       const struct conf_section *sections, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, sections[i].name) == 0)
			return &sections[i];
	return NULL;
}

/* Of several entries in a row the first complains. */
static bool goes_on(const struct conf *conf, const struct conf_entry *entry)
{
	return entry > conf->entries && entry[-1].file == entry->file &&
	       strcmp(entry[-1].section, entry->section) == 0;
}

int conf_fill(const struct conf *conf, const struct conf_section *sections, size_t n,
	      const struct conf_names *names, struct problems *problems)
{
	int result = 0;

	for (size_t i = 0; i < conf->n && result != -ENOMEM; i++) {
		const struct conf_entry *entry = &conf->entries[i];
		const struct conf_section *section = find_section(entry->section, sections, n);
		int r = 0;

		if (section)
			r = apply(entry, section, names, problems);
		else if (strncmp(entry->section, "X-", 2) != 0)
			r = goes_on(conf, entry)
				    ? -EINVAL
				    : complain_section(entry, sections, n, problems);
		result = problems_worse(result, r);
	}
	return result;
}

const struct conf_entry *conf_find(const struct conf *conf, const char *section,
				   const char *key)
{
	for (size_t i = conf->n; i > 0; i--)
		if (strcmp(conf->entries[i - 1].section, section) == 0 &&
		    strcmp(conf->entries[i - 1].key, key) == 0)
			return &conf->entries[i - 1];
	return NULL;
}
