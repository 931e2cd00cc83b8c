/* layouts.c - a table from hashes to names and types. */
#include "bridge/layouts.h"

#include "proto/layout.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64u

struct layouts_entry {
	uint64_t hash; /* 0: free; layout_hash() never gives it */
	char *name;    /* with the text behind it; NULL: only noted */
	const char *text;
	struct layout *layout; /* NULL: not parsed yet */
	bool is_bad;           /* and never will be */
};

void layouts_fini(struct layouts *layouts)
{
	for (size_t i = 0; i < layouts->room; i++) {
		layout_free(layouts->entries[i].layout);
		free(layouts->entries[i].name);
	}
	free(layouts->entries);
	*layouts = (struct layouts){0};
}

/* Where the hash is, or where it would go. The table is never full. Hashes are spread already,
 * but a hostile peer may choose them: the number of entries bounds the search. */
static struct layouts_entry *find_entry(struct layouts_entry *entries, size_t room,
					uint64_t hash)
{
	size_t at = (size_t)(hash * 0x9e3779b97f4a7c15u) & (room - 1);

	while (entries[at].hash != 0 && entries[at].hash != hash)
		at = (at + 1) & (room - 1);
	return &entries[at];
}

static int grow_table(struct layouts *layouts)
{
	size_t room = layouts->room ? 2 * layouts->room : ROOM_MIN;
	struct layouts_entry *entries = calloc(room, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < layouts->room; i++)
		if (layouts->entries[i].hash != 0)
			*find_entry(entries, room, layouts->entries[i].hash) =
				layouts->entries[i];
	free(layouts->entries);
	layouts->entries = entries;
	layouts->room = room;
	return 0;
}

bool layouts_has(struct layouts *layouts, uint64_t hash)
{
	/* An actor tends to send what it has just sent. */
	if (layouts->last == hash && hash != 0)
		return true;
	if (layouts->room == 0 || find_entry(layouts->entries, layouts->room, hash)->hash == 0)
		return false;
	layouts->last = hash;
	return true;
}

static int add_entry(struct layouts *layouts, uint64_t hash, struct layouts_entry **ret_entry)
{
	struct layouts_entry *entry;

	if (layouts->count == LAYOUTS_MAX)
		return -ENOSPC;
	if (2 * (layouts->count + 1) > layouts->room) {
		int r = grow_table(layouts);

		if (r < 0)
			return r;
	}
	entry = find_entry(layouts->entries, layouts->room, hash);
	entry->hash = hash;
	layouts->count++;
	*ret_entry = entry;
	return 0;
}

int layouts_add(struct layouts *layouts, uint64_t hash)
{
	struct layouts_entry *entry;

	return layouts_has(layouts, hash) ? 0 : add_entry(layouts, hash, &entry);
}

static bool is_hash_of(uint64_t hash, const char *name, const char *text)
{
	return layout_hash(name, '(', text) == hash || layout_hash(name, '>', text) == hash ||
	       layout_hash(name, '!', text) == hash;
}

int layouts_learn(struct layouts *layouts, uint64_t hash, const char *name, const char *text)
{
	size_t name_size = strlen(name) + 1, text_size = strlen(text) + 1;
	struct layouts_entry *entry;
	char *copy;
	int r;

	if (hash == 0 || !is_hash_of(hash, name, text))
		return -EINVAL;
	if (layouts_has(layouts, hash))
		return 0;
	if (name_size + text_size > LAYOUTS_BYTES - layouts->bytes)
		return -ENOSPC;
	copy = malloc(name_size + text_size);
	if (!copy)
		return -ENOMEM;
	r = add_entry(layouts, hash, &entry);
	if (r < 0) {
		free(copy);
		return r;
	}
	memcpy(copy, name, name_size);
	memcpy(copy + name_size, text, text_size);
	entry->name = copy;
	entry->text = copy + name_size;
	layouts->bytes += name_size + text_size;
	return 0;
}

bool layouts_find(struct layouts *layouts, uint64_t hash, const struct troupe_type **ret_type,
		  const char **ret_name)
{
	struct layouts_entry *entry;

	if (hash == 0 || !layouts_has(layouts, hash))
		return false;
	entry = find_entry(layouts->entries, layouts->room, hash);
	if (!entry->name || entry->is_bad)
		return false;
	if (!entry->layout) {
		int r = layout_parse(entry->text, strlen(entry->text), &entry->layout);

		/* Short of memory it may go better next time. */
		entry->is_bad = r < 0 && r != -ENOMEM;
		if (r < 0)
			return false;
	}
	*ret_type = layout_type(entry->layout);
	*ret_name = entry->name;
	return true;
}
