#include "config/memory.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "max", an unreadable file: none. */
static uint64_t read_limit(const char *path, uint64_t most)
{
	cleanup_fclose FILE *file = fopen(path, "re");
	uint64_t limit;

	return file && fscanf(file, "%" SCNu64, &limit) == 1 && limit < most ? limit : most;
}

/* The group of a line "0::/path" or "4:memory:/path", and those above it. */
static uint64_t read_groups(char *line, const char *root, uint64_t most)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;
	bool is_v2;

	if (!group)
		return most;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	is_v2 = controllers[1] == '\0';
	if (!is_v2 && strcmp(controllers + 1, "memory") != 0)
		return most;
	/* The root itself is "/", and comes last in any case. */
	for (char *end = group + strlen(group); end; end = strrchr(group, '/')) {
		cleanup_free char *path = NULL;

		*end = '\0';
		path = text_printf("%s%s%s/memory.%s", root, is_v2 ? "" : "/memory", group,
				   is_v2 ? "max" : "limit_in_bytes");
		if (path)
			most = read_limit(path, most);
	}
	return most;
}

uint64_t memory_limit(const char *groups, const char *root)
{
	cleanup_fclose FILE *file = fopen(groups, "re");
	uint64_t most = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	char line[4096 + 256];

	while (file && fgets(line, sizeof(line), file))
		most = read_groups(line, root, most);
	return most;
}

uint64_t memory_of_worker(uint64_t asked, unsigned n)
{
	if (asked == TEXT_INFINITY)
		return 0;
	if (asked == 0)
		asked = memory_limit("/proc/self/cgroup", "/sys/fs/cgroup") / 2 / n;
	return asked > LIMIT_WORKER_MEMORY_MIN ? asked : LIMIT_WORKER_MEMORY_MIN;
}
