#include "plugin/loader.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/text.h"
#include "plugin/plugin_symbols.h"
#include "proto/layout.h"
#include "proto/table_check.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The newest plug-in comes first. A signal handler may walk the list at any moment: a
 * plug-in is complete before it is put there, and nothing changes in it afterwards. */
struct loader {
	_Atomic(struct plugin *) first;
	_Atomic(struct plugin *) loading; /* its code runs, and it is in no list yet */
	atomic_uint lookers;              /* who may be looking at that one */
	struct plugin *failed;            /* that one of them may have looked at */
	size_t n_plugins;
};

/* One function of each file of core/ that is a body of the SDK. Nothing else refers to some of
 * them: without this, the linker would leave those files out of the program. That they are
 * exported too is sdk.symbols' part. */
static const struct {
	const char *name;
	void *function;
} sdk[] = {
	{"troupe_send", troupe_send},     {"troupe_forward", troupe_forward},
	{"troupe_return", troupe_return}, {"troupe_keep", troupe_keep},
	{"troupe_log", troupe_log},
};

int loader_new(struct loader **ret_loader)
{
	struct loader *loader = calloc(1, sizeof(*loader));

	if (!loader)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(sdk); i++)
		check(dlsym(RTLD_DEFAULT, sdk[i].name) == sdk[i].function);
	*ret_loader = loader;
	return 0;
}

static void free_plugin(struct plugin **place)
{
	struct plugin *plugin = *place;

	if (!plugin)
		return;
	plugin_symbols_free(plugin->symbols);
	plugin_info_free(plugin->info);
	free(plugin->tables);
	free(plugin->name);
	free(plugin);
}

/* Those that failed, unless another thread may still look at one; then a later failure frees
 * them. A looker that comes now finds none. */
static void free_failed(struct loader *loader)
{
	while (loader->failed && atomic_load(&loader->lookers) == 0) {
		struct plugin *plugin = loader->failed;

		loader->failed = plugin->next;
		free_plugin(&plugin);
	}
}

void loader_free(struct loader *loader)
{
	if (!loader)
		return;
	for (struct plugin *plugin = atomic_load(&loader->first), *next; plugin;
	     plugin = next) {
		next = plugin->next;
		free_plugin(&plugin);
	}
	atomic_store(&loader->lookers, 0);
	free_failed(loader);
	free(loader);
}

/* What the dynamic linker complained about, without the name that means nothing to people. */
static void explain_dlerror(const struct plugin *plugin, char *why)
{
	const char *error = dlerror();
	size_t size = strlen(plugin->path);

	if (strncmp(error, plugin->path, size) == 0 && strncmp(error + size, ": ", 2) == 0)
		error += size + 2;
	snprintf(why, PLUGIN_WHY_MAX, "%s", error);
	/* It quotes the file, whose bytes may be anything. */
	text_make_utf8(why);
}

/* Where the object lies, all segments together. */
static int visit_object(struct dl_phdr_info *object, size_t size, void *context)
{
	struct plugin *plugin = context;
	uintptr_t low = UINTPTR_MAX, high = 0;

	(void)size;
	if (object->dlpi_addr != plugin->bias)
		return 0;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD)
			continue;
		if (segment->p_vaddr < low)
			low = segment->p_vaddr;
		if (segment->p_vaddr + segment->p_memsz > high)
			high = segment->p_vaddr + segment->p_memsz;
	}
	plugin->base = plugin->bias + low;
	plugin->end = plugin->bias + high;
	return 1;
}

/* NULL: the dynamic linker has refused it. */
static void *link_object(struct loader *loader, struct plugin *plugin, int fd, char *why)
{
	struct link_map *map;
	void *handle;

	/* Not /proc/self: a debugger opens what the link map names, and must find the same
	 * file. */
	snprintf(plugin->path, sizeof(plugin->path), "/proc/%d/fd/%d", (int)getpid(), fd);
	atomic_store(&loader->loading, plugin);
	handle = dlopen(plugin->path, RTLD_NOW | RTLD_LOCAL);
	atomic_store(&loader->loading, NULL);
	if (!handle) {
		explain_dlerror(plugin, why);
		return NULL;
	}
	/* What is linked lies somewhere. */
	check(dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0);
	plugin->bias = map->l_addr;
	check(dl_iterate_phdr(visit_object, plugin) == 1);
	return handle;
}

static int compare_interfaces(const struct plugin_actor *noted,
			      const struct troupe_actor *table)
{
	size_t n = 0;

	for (; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++)
		if (n >= noted->n_interfaces ||
		    strcmp(noted->interfaces[n], table->interfaces[n]->interface->name) != 0)
			return 1;
	return n != noted->n_interfaces;
}

/* 0: they are the same; 1: not. -ENOMEM. */
static int compare_config(const struct plugin_actor *noted, const struct troupe_actor *table)
{
	cleanup_free char *said = NULL;
	cleanup_free char *is = NULL;
	int r;

	if (!noted->config || !table->config)
		return !noted->config != !table->config;
	r = layout_print(noted->config, &said);
	if (r == 0)
		r = layout_print(table->config, &is);
	return r < 0 ? r : strcmp(said, is) != 0;
}

/* The master and operators know an actor type by its note: the table, which has been checked,
 * must say the same. */
static int compare_note(const struct plugin_actor *noted, const struct troupe_actor *table,
			char *why)
{
	const char *description = table->description ? table->description : "";
	const char *what = NULL;
	int r = compare_config(noted, table);

	if (r < 0)
		return r;
	if (r > 0)
		what = "configuration";
	else if (compare_interfaces(noted, table) != 0)
		what = "interfaces";
	else if (strcmp(noted->description ? noted->description : "", description) != 0)
		what = "description";
	if (!what)
		return 0;
	snprintf(why, PLUGIN_WHY_MAX,
		 "actor type \"%s\": its note does not have the %s of its table: link the "
		 "plug-in anew",
		 noted->name, what);
	return -ENOEXEC;
}

/* Find and check the table of each actor type that the notes name. */
static int find_tables(struct plugin *plugin, void *handle, char *why)
{
	const struct plugin_info *info = plugin->info;
	const struct bounds bounds = {.base = plugin->base, .end = plugin->end};

	for (size_t i = 0; i < info->n_actors; i++) {
		const char *name = info->actors[i].name;
		char symbol[sizeof("troupe_actor_") + TROUPE_NAME_MAX];

		snprintf(symbol, sizeof(symbol), "troupe_actor_%s", name);
		plugin->tables[i] = dlsym(handle, symbol);
		if (!plugin->tables[i]) {
			snprintf(why, PLUGIN_WHY_MAX,
				 "actor type \"%s\": the plug-in does not export %s", name,
				 symbol);
			return -ENOEXEC;
		}
		int r = table_check(plugin->tables[i], name, &bounds, why);
		if (r == 0)
			r = compare_note(&info->actors[i], plugin->tables[i], why);
		if (r < 0)
			return r;
	}
	return 0;
}

/* All that can be known before any of its code runs. */
static int read_file(struct plugin *plugin, int fd, unsigned flags, char *why)
{
	const void *file;
	size_t size;

	int r = memfd_map(fd, PLUGIN_FILE_MAX, &file, &size);
	if (r < 0) {
		if (r == -EFBIG)
			r = -E2BIG;
		snprintf(why, PLUGIN_WHY_MAX, "%s",
			 r == -EPERM   ? "it did not come as a sealed memfd"
			 : r == -E2BIG ? "its file is larger than 256 MiB"
				       : strerror(-r));
		return r;
	}
	r = plugin_info_read(file, size, flags, &plugin->info, why);
	if (r >= 0)
		r = plugin_symbols_read(file, size, &plugin->symbols);
	memfd_unmap(file, size);
	return r;
}

static void put_first(struct loader *loader, struct plugin *plugin)
{
	plugin->next = atomic_load_explicit(&loader->first, memory_order_relaxed);
	/* Release: who sees the plug-in in the list sees all of it. */
	atomic_store_explicit(&loader->first, plugin, memory_order_release);
	loader->n_plugins++;
}

static int load(struct loader *loader, int fd, const char *name, uint32_t number,
		unsigned flags, struct plugin **ret_plugin, char *why)
{
	cleanup_close int file = fd;
	cleanup(free_plugin) struct plugin *plugin = NULL;
	struct plugin *loaded;
	void *handle;

	if (loader->n_plugins == LOADER_PLUGINS_MAX) {
		snprintf(why, PLUGIN_WHY_MAX,
			 "this process has loaded %d plug-ins, the most it can",
			 LOADER_PLUGINS_MAX);
		return -EMFILE;
	}
	plugin = calloc(1, sizeof(*plugin));
	if (!plugin || !(plugin->name = strdup(name)))
		return -ENOMEM;
	plugin->number = number;
	int r = read_file(plugin, file, flags, why);
	if (r < 0)
		return r;
	plugin->tables = calloc(plugin->info->n_actors, sizeof(*plugin->tables));
	if (!plugin->tables)
		return -ENOMEM;

	handle = link_object(loader, plugin, file, why);
	if (!handle) {
		plugin->next = loader->failed;
		loader->failed = take_pointer(&plugin);
		free_failed(loader);
		return -ENOEXEC;
	}
	/* Once an object is loaded, its descriptor stays open for ever, whatever becomes of
	 * the plug-in: the dynamic linker knows objects by the names they were opened under,
	 * and would take another file that gets this number for the one it has. Its code stays
	 * as well, with the threads that it may have begun, and is to have a name. */
	plugin->fd = take_fd(&file);
	loaded = take_pointer(&plugin);
	put_first(loader, loaded);
	r = find_tables(loaded, handle, why);
	if (r == 0)
		*ret_plugin = loaded;
	return r;
}

int loader_load(struct loader *loader, int fd, const char *name, uint32_t number,
		unsigned flags, struct plugin **ret_plugin, char *why)
{
	int r = load(loader, fd, name, number, flags, ret_plugin, why);

	if (r == -ENOMEM)
		snprintf(why, PLUGIN_WHY_MAX, "out of memory");
	else if (r == 0)
		why[0] = '\0';
	return r;
}

/* address: in the plug-in's file. */
static void find_function(const struct plugin *plugin, uint64_t address,
			  struct loader_symbol *ret_symbol)
{
	uint64_t offset = address;
	const char *function = plugin_symbols_find(plugin->symbols, address, &offset);

	*ret_symbol = (struct loader_symbol){
		.plugin = plugin->name,
		.number = plugin->number,
		.address = address,
		.function = function ? function : "",
		.offset = offset,
	};
}

static bool find_loaded(struct loader *loader, uintptr_t address,
			struct loader_symbol *ret_symbol)
{
	const struct plugin *plugin =
		atomic_load_explicit(&loader->first, memory_order_acquire);

	for (; plugin; plugin = plugin->next) {
		if (address < plugin->base || address >= plugin->end)
			continue;
		find_function(plugin, address - plugin->bias, ret_symbol);
		return true;
	}
	return false;
}

/* Of the one that is being loaded the linker knows where it lies. Another thread that asks it
 * waits until that is over, and then has to look anew: it may have failed. */
static bool find_loading(struct loader *loader, uintptr_t address,
			 struct loader_symbol *ret_symbol)
{
	const struct plugin *plugin = atomic_load(&loader->loading);
	Dl_info info;

	if (!plugin || dladdr((void *)address, &info) == 0 || !info.dli_fname)
		return false;
	if (atomic_load(&loader->loading) != plugin)
		return find_loaded(loader, address, ret_symbol);
	if (strcmp(info.dli_fname, plugin->path) != 0)
		return false;
	find_function(plugin, address - (uintptr_t)info.dli_fbase, ret_symbol);
	return true;
}

bool loader_find_symbol(struct loader *loader, uintptr_t address,
			struct loader_symbol *ret_symbol)
{
	bool found = find_loaded(loader, address, ret_symbol);

	if (found)
		return true;
	atomic_fetch_add(&loader->lookers, 1);
	found = find_loading(loader, address, ret_symbol);
	atomic_fetch_sub(&loader->lookers, 1);
	return found;
}
