#include "process/oom.h"

#include "base/cleanup.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_kills(const char *path, uint64_t *ret_kills)
{
	cleanup_fclose FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "oom_kill %" SCNu64, ret_kills) == 1)
			return true;
	return false;
}

/* The counter's file, if the line is that of a hierarchy that counts memory: "0::/path" or
 * "4:memory:/path". */
static char *find_counter(char *line, const char *root)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;
	bool is_v2;

	if (!group)
		return NULL;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	is_v2 = controllers[1] == '\0';
	if (!is_v2 && strcmp(controllers + 1, "memory") != 0)
		return NULL;
	return is_v2 ? text_printf("%s%s/memory.events", root, group)
		     : text_printf("%s/memory%s/memory.oom_control", root, group);
}

void oom_init(struct oom *oom, const char *groups, const char *root)
{
	cleanup_fclose FILE *file = fopen(groups, "re");
	char line[4096 + 256];

	*oom = (struct oom){0};
	while (file && !oom->path && fgets(line, sizeof(line), file)) {
		cleanup_free char *path = find_counter(line, root);

		if (path && read_kills(path, &oom->kills))
			oom->path = take_pointer(&path);
	}
}

void oom_fini(struct oom *oom)
{
	free(oom->path);
	*oom = (struct oom){0};
}

bool oom_has_killed(struct oom *oom)
{
	uint64_t kills;
	bool has_grown;

	if (!oom->path || !read_kills(oom->path, &kills))
		return false;
	has_grown = kills > oom->kills;
	oom->kills = kills;
	return has_grown;
}
