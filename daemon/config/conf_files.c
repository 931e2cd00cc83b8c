/* conf_files.c - which files make up a configuration, over all directories. */
#include "base/array.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/conf_path.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SUFFIX_UNIT   ".actor"
#define SUFFIX_DROPIN ".conf"

/* A file that was found: what it is called, and where. */
struct found {
	const char *name; /* "hello.actor", the end of path */
	char *path;
};

struct found_list {
	struct found *items;
	size_t n;
};

static void found_fini(struct found_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].path);
	free(list->items);
	*list = (struct found_list){0};
}

static int compare_found(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t size = strlen(text), suffix_size = strlen(suffix);

	return size > suffix_size && strcmp(text + size - suffix_size, suffix) == 0;
}

static void cleanup_closedir(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* Add the names of a directory that end in `suffix`, unless an earlier directory had them:
 * `list` must be sorted as far as those go, which are the first n_before. A directory that does
 * not exist is empty. -EINVAL: one cannot be read, which was noted; -ENOMEM. */
static int scan_directory(struct found_list *list, const char *path, const char *suffix,
			  bool required, struct problems *problems)
{
	cleanup(cleanup_closedir) DIR *directory = opendir(path);
	size_t n_before = list->n, n_seen = 0;
	struct dirent *entry;
	struct found *item;

	if (!directory) {
		if (errno == ENOMEM)
			return -ENOMEM;
		if (required || (errno != ENOENT && errno != ENOTDIR))
			return problems_add(problems, path, 0,
					    "the directory cannot be read: %s",
					    strerror(errno));
		return 0;
	}
	while ((entry = readdir(directory))) {
		struct found found = {.name = entry->d_name};

		if (++n_seen > LIMIT_CONFIG_DIRECTORY) {
			problems_add(
				problems, path, 0,
				"the directory has more than %u entries; the others are not "
				"read",
				LIMIT_CONFIG_DIRECTORY);
			break;
		}
		if (entry->d_name[0] == '.' || !has_suffix(entry->d_name, suffix))
			continue;
		if (n_before > 0 &&
		    bsearch(&found, list->items, n_before, sizeof(found), compare_found))
			continue;
		item = array_add(&list->items, &list->n, sizeof(*item));
		if (!item)
			return -ENOMEM;
		item->path = text_printf("%s/%s", path, entry->d_name);
		if (!item->path)
			return -ENOMEM;
		item->name = strrchr(item->path, '/') + 1;
	}
	if (list->n > 0)
		qsort(list->items, list->n, sizeof(*list->items), compare_found);
	return 0;
}

static bool is_masked(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return false;
	if (S_ISREG(status.st_mode))
		return status.st_size == 0;
	return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

/* The drop-ins of `files`, which are in the directories NAMES[i].d of all directories; names
 * ends in NULL. */
static int find_dropins(const struct conf_path *path, const char *const *names,
			struct conf_files *files, struct problems *problems)
{
	struct found_list list = {0};
	int r = 0;

	for (; *names && r == 0; names++)
		for (size_t i = 0; i < path->n && r == 0; i++) {
			cleanup_free char *directory =
				text_printf("%s/%s.d", path->directories[i], *names);

			r = directory ? scan_directory(&list, directory, SUFFIX_DROPIN, false,
						       problems)
				      : -ENOMEM;
		}
	if (r == 0 && list.n > LIMIT_CONFIG_DROPINS)
		r = problems_add(problems, list.items[LIMIT_CONFIG_DROPINS].path, 0,
				 "%s has more than %u drop-ins", files->name,
				 LIMIT_CONFIG_DROPINS);
	for (size_t i = 0; i < list.n && r == 0; i++)
		if (!is_masked(list.items[i].path))
			r = texts_add(&files->dropins, &files->n_dropins, list.items[i].path);
	found_fini(&list);
	return r;
}

/* The first file of that name in the directories; *ret_path is given, NULL: there is none. */
static int find_file(const struct conf_path *path, const char *name, char **ret_path)
{
	for (size_t i = 0; i < path->n; i++) {
		cleanup_free char *file = text_printf("%s/%s", path->directories[i], name);
		struct stat status;

		if (!file)
			return -ENOMEM;
		if (lstat(file, &status) == 0) {
			*ret_path = take_pointer(&file);
			return 0;
		}
	}
	*ret_path = NULL;
	return 0;
}

void conf_files_fini(struct conf_files *files)
{
	free(files->name);
	free(files->fragment);
	texts_free(files->dropins, files->n_dropins);
	*files = (struct conf_files){0};
}

int conf_files_read(const struct conf_files *files, struct conf *conf,
		    struct problems *problems)
{
	int result = 0;

	if (files->fragment)
		result = conf_read(conf, files->fragment, problems);
	for (size_t i = 0; i < files->n_dropins && result != -ENOMEM; i++)
		result = problems_worse(result, conf_read(conf, files->dropins[i], problems));
	return result;
}

int conf_path_daemon(const struct conf_path *path, struct conf_files *ret_files,
		     struct problems *problems)
{
	static const char *const names[] = {"trouped.conf", NULL};
	struct conf_files files = {.name = strdup("trouped")};
	struct stat status;
	int r = files.name ? 0 : -ENOMEM;

	if (r == 0 && path->required &&
	    (stat(path->directories[0], &status) < 0 || !S_ISDIR(status.st_mode)))
		r = problems_add(problems, path->directories[0], 0,
				 "there is no such directory; --config takes the one that "
				 "holds trouped.conf");
	if (r == 0)
		r = find_file(path, names[0], &files.fragment);
	if (r == 0 && files.fragment && is_masked(files.fragment))
		free(take_pointer(&files.fragment));
	if (r == 0)
		r = find_dropins(path, names, &files, problems);
	if (r < 0) {
		conf_files_fini(&files);
		return r;
	}
	*ret_files = files;
	return 0;
}

/* Whether the file is a symlink to one called like the template, wherever that may lie. */
static bool is_link_to(const char *path, const char *template)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *base;

	if (n < 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	return strcmp(base ? base + 1 : target, template) == 0;
}

/* Take apart the name of a unit's file. */
static int name_unit(struct conf_files *files, const char *file_name, const char *path,
		     struct problems *problems)
{
	files->name = strndup(file_name, strlen(file_name) - strlen(SUFFIX_UNIT));
	if (!files->name)
		return -ENOMEM;
	if (strlen(files->name) > LIMIT_NAME)
		return problems_add(problems, path, 0,
				    "the unit's name is longer than %u bytes", LIMIT_NAME);
	if (!conf_is_unit_name(files->name))
		return problems_add(problems, path, 0,
				    "\"%s\" cannot be a unit's name: use letters, digits and _ "
				    ". -, not first - "
				    "or ., nothing like an address",
				    files->name);
	return 0;
}

/* The files of one unit whose own was found. -ENOENT: it is masked, there is no such unit. */
static int find_unit(const struct conf_path *path, const struct found *found,
		     struct conf_files *files, struct problems *problems)
{
	cleanup_free char *template = NULL, *linked = NULL;
	const char *names[3] = {found->name}, *at;
	struct stat status;
	int r;

	if (is_masked(found->path))
		return -ENOENT;
	r = name_unit(files, found->name, found->path, problems);
	if (r < 0)
		return r;
	files->fragment = strdup(found->path);
	if (!files->fragment)
		return -ENOMEM;
	at = strchr(files->name, '@');
	if (at) {
		template =
			text_printf("%.*s@" SUFFIX_UNIT, (int)(at - files->name), files->name);
		if (!template)
			return -ENOMEM;
		names[1] = template;
	}
	if (template && is_link_to(found->path, template)) {
		r = find_file(path, template, &linked);
		if (r < 0)
			return r;
		if (!linked)
			return problems_add(
				problems, found->path, 0,
				"it is an instance of %s, which is in none of the directories",
				template);
		free(files->fragment);
		files->fragment = take_pointer(&linked);
		if (is_masked(files->fragment))
			return -ENOENT;
	}
	if (stat(files->fragment, &status) < 0)
		return problems_add(problems, found->path, 0, "cannot be read: %s",
				    strerror(errno));
	return find_dropins(path, names, files, problems);
}

void conf_units_free(struct conf_files *units, size_t n)
{
	for (size_t i = 0; units && i < n; i++)
		conf_files_fini(&units[i]);
	free(units);
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct conf_files *)a)->name,
		      ((const struct conf_files *)b)->name);
}

int conf_path_units(const struct conf_path *path, struct conf_files **ret_units, size_t *ret_n,
		    struct problems *problems)
{
	struct found_list list = {0};
	struct conf_files *units = NULL;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < path->n && r != -ENOMEM; i++)
		r = scan_directory(&list, path->directories[i], SUFFIX_UNIT, path->required,
				   problems);
	for (size_t i = 0; i < list.n && r != -ENOMEM; i++) {
		struct conf_files *files;

		if (has_suffix(list.items[i].name, "@" SUFFIX_UNIT))
			continue; /* a template */
		if (n == LIMIT_UNITS) {
			problems_add(problems, list.items[i].path, 0,
				     "there are more than %u units; this one and those after "
				     "it are left out",
				     LIMIT_UNITS);
			break;
		}
		files = array_add(&units, &n, sizeof(*files));
		r = files ? find_unit(path, &list.items[i], files, problems) : -ENOMEM;
		if (files && r < 0)
			conf_files_fini(&units[--n]);
	}
	found_fini(&list);
	if (r == -ENOMEM) {
		conf_units_free(units, n);
		return r;
	}
	if (n > 0)
		qsort(units, n, sizeof(*units), compare_files);
	*ret_units = units;
	*ret_n = n;
	return 0;
}
