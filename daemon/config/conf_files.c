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

/* What a file that was found at `path` is called: "hello.actor". */
static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(name_of(*(char *const *)a), name_of(*(char *const *)b));
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

/* Add the paths of a directory's files whose names end in `suffix`, unless an earlier directory
 * had such a name; the *n found before must be sorted. A directory that does not exist is
 * empty. -EINVAL: one cannot be read, which was noted; -ENOMEM. */
static int scan_directory(char ***found, size_t *n, const char *path, const char *suffix,
			  bool required, struct problems *problems)
{
	cleanup(cleanup_closedir) DIR *directory = opendir(path);
	size_t n_before = *n, n_seen = 0;
	struct dirent *entry;

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
		cleanup_free char *file = NULL;

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
		file = text_printf("%s/%s", path, entry->d_name);
		if (file && n_before > 0 &&
		    bsearch(&file, *found, n_before, sizeof(file), compare_names))
			continue;
		if (!file || texts_add(found, n, file) < 0)
			return -ENOMEM;
	}
	if (*n > 0)
		qsort(*found, *n, sizeof(**found), compare_names);
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
	char **found = NULL;
	size_t n = 0;
	int r = 0;

	for (; *names && r == 0; names++)
		for (size_t i = 0; i < path->n && r == 0; i++) {
			cleanup_free char *directory =
				text_printf("%s/%s.d", path->directories[i], *names);

			r = directory ? scan_directory(&found, &n, directory, SUFFIX_DROPIN,
						       false, problems)
				      : -ENOMEM;
		}
	if (r == 0 && n > LIMIT_CONFIG_DROPINS)
		r = problems_add(problems, found[LIMIT_CONFIG_DROPINS], 0,
				 "%s has more than %u drop-ins", files->name,
				 LIMIT_CONFIG_DROPINS);
	for (size_t i = 0; i < n && r == 0; i++)
		if (!is_masked(found[i]))
			r = texts_add(&files->dropins, &files->n_dropins, found[i]);
	texts_free(found, n);
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
static int name_unit(struct conf_files *files, const char *path, struct problems *problems)
{
	files->name = strndup(name_of(path), strlen(name_of(path)) - strlen(SUFFIX_UNIT));
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

/* The files of one unit whose own is `found`. -ENOENT: it is masked, there is no such unit. */
static int find_unit(const struct conf_path *path, const char *found, struct conf_files *files,
		     struct problems *problems)
{
	cleanup_free char *template = NULL, *linked = NULL;
	const char *names[3] = {name_of(found)}, *at;
	struct stat status;
	int r;

	if (is_masked(found))
		return -ENOENT;
	r = name_unit(files, found, problems);
	if (r < 0)
		return r;
	files->fragment = strdup(found);
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
	if (template && is_link_to(found, template)) {
		r = find_file(path, template, &linked);
		if (r < 0)
			return r;
		if (!linked)
			return problems_add(
				problems, found, 0,
				"it is an instance of %s, which is in none of the directories",
				template);
		free(files->fragment);
		files->fragment = take_pointer(&linked);
		if (is_masked(files->fragment))
			return -ENOENT;
	}
	if (stat(files->fragment, &status) < 0)
		return problems_add(problems, found, 0, "cannot be read: %s", strerror(errno));
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
	char **found = NULL;
	struct conf_files *units = NULL;
	size_t n = 0, n_found = 0;
	int r = 0;

	for (size_t i = 0; i < path->n && r != -ENOMEM; i++)
		r = scan_directory(&found, &n_found, path->directories[i], SUFFIX_UNIT,
				   path->required, problems);
	for (size_t i = 0; i < n_found && r != -ENOMEM; i++) {
		struct conf_files *files;

		if (has_suffix(name_of(found[i]), "@" SUFFIX_UNIT))
			continue; /* a template */
		if (n == LIMIT_UNITS) {
			problems_add(problems, found[i], 0,
				     "there are more than %u units; this one and those after "
				     "it are left out",
				     LIMIT_UNITS);
			break;
		}
		files = array_add(&units, &n, sizeof(*files));
		r = files ? find_unit(path, found[i], files, problems) : -ENOMEM;
		if (files && r < 0)
			conf_files_fini(&units[--n]);
	}
	texts_free(found, n_found);
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
