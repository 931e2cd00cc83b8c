#include "worker/code_names.h"

#include "base/cleanup.h"
#include "plugin/plugin_symbols.h"
#include "worker/crash_text.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Of the file that this program runs from, which nothing can change meanwhile. Mapped and not
 * read: of its many bytes the symbols are few. */
static void read_symbols_of(int fd, struct code_names *names)
{
	struct stat status;
	size_t size;
	void *file;

	if (fstat(fd, &status) < 0 || status.st_size > (off_t)PLUGIN_FILE_MAX)
		return;
	size = (size_t)status.st_size;
	file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		return;
	if (plugin_symbols_read(file, size, &names->own) < 0)
		names->own = NULL;
	(void)munmap(file, size);
}

void code_names_init(struct code_names *names)
{
	cleanup_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	Dl_info info;

	*names = (struct code_names){0};
	if (fd < 0 || dladdr((void *)(uintptr_t)code_names_init, &info) == 0)
		return;
	names->own_base = (uintptr_t)info.dli_fbase;
	read_symbols_of(fd, names);
}

void code_names_fini(struct code_names *names)
{
	plugin_symbols_free(names->own);
}

bool code_names_find_in_plugin(const struct code_names *names, uintptr_t address,
			       struct loader_symbol *ret_symbol)
{
	return names->loader && loader_find_symbol(names->loader, address, ret_symbol);
}

bool code_names_is_own(const struct code_names *names, uintptr_t address)
{
	struct dl_find_object object;

	return names->own_base && _dl_find_object((void *)address, &object) == 0 &&
	       (uintptr_t)object.dlfo_map_start == names->own_base;
}

void code_names_print(const struct code_names *names, uintptr_t address, uintptr_t back,
		      char *buffer, size_t size)
{
	struct crash_text text = {buffer, size - 1};
	struct loader_symbol symbol;
	Dl_info info;

	if (code_names_find_in_plugin(names, address - back, &symbol)) {
		crash_text_add_location(&text, symbol.plugin, symbol.function,
					symbol.offset + back);
	} else if (dladdr((void *)(address - back), &info) != 0 && info.dli_fname) {
		uint64_t offset = address - back - (uintptr_t)info.dli_fbase;
		const char *function = NULL, *slash = strrchr(info.dli_fname, '/');

		if ((uintptr_t)info.dli_fbase == names->own_base)
			function = plugin_symbols_find(names->own, offset, &offset);
		if (!function && info.dli_sname) {
			function = info.dli_sname;
			offset = address - back - (uintptr_t)info.dli_saddr;
		}
		crash_text_add_location(&text, slash ? slash + 1 : info.dli_fname,
					function ? function : "", offset + back);
	} else {
		crash_text_add_hex(&text, address);
	}
}

void code_names_fill(const struct code_names *names, uintptr_t address, uintptr_t back,
		     struct page_frame *ret_frame)
{
	struct loader_symbol symbol;

	code_names_print(names, address, back, ret_frame->text, sizeof(ret_frame->text));
	ret_frame->plugin = 0;
	ret_frame->address = 0;
	if (code_names_find_in_plugin(names, address - back, &symbol)) {
		ret_frame->plugin = symbol.number;
		ret_frame->address = symbol.address;
	}
}
