/* conf_tree.h - a directory of files that a test makes, and what is wrong with them as text.
 *
 * For tests of configuration only. One tree a test; everything is removed with it.
 */
#ifndef CONFIG_CONF_TREE_H
#define CONFIG_CONF_TREE_H

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/conf_path.h"

struct conf_tree {
	char root[64];
	struct conf_path path;
	struct problems problems;
	char text[1024];
};

static inline int conf_tree_init(struct conf_tree *tree)
{
	memset(tree, 0, sizeof(*tree));
	strcpy(tree->root, "/tmp/troupe-conf-XXXXXX");
	return mkdtemp(tree->root) ? chdir(tree->root) : -1;
}

static inline int conf_tree_remove(const char *path, const struct stat *status, int type,
				   struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int conf_tree_fini(struct conf_tree *tree)
{
	conf_path_fini(&tree->path);
	problems_fini(&tree->problems);
	return chdir("/") || nftw(tree->root, conf_tree_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Make the directories above a path in the tree. */
static inline void conf_tree_parents(const char *path)
{
	char parent[256];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		mkdir(parent, 0755);
	}
}

static inline void conf_tree_file(const char *path, const char *text)
{
	FILE *file;

	conf_tree_parents(path);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

static inline void conf_tree_link(const char *path, const char *target)
{
	conf_tree_parents(path);
	if (symlink(target, path) < 0)
		abort();
}

/* All problems, a line each, the tree's root left out. */
static inline const char *conf_tree_problems(struct conf_tree *tree)
{
	size_t used = 0;

	tree->text[0] = '\0';
	for (size_t i = 0; i < tree->problems.n; i++) {
		char line[512], *root;

		problem_print(&tree->problems.items[i], line, sizeof(line));
		while ((root = strstr(line, tree->root)))
			memmove(root, root + strlen(tree->root) + 1,
				strlen(root + strlen(tree->root) + 1) + 1);
		used += (size_t)snprintf(tree->text + used, sizeof(tree->text) - used, "%s%s",
					 i ? "\n" : "", line);
	}
	problems_fini(&tree->problems);
	return tree->text;
}

#endif
