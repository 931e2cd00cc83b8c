#include "process/page_map.h"

#include "base/cleanup.h"
#include <fcntl.h>
#include <sys/mman.h>

int page_map(struct process process, struct page **ret_page, int *ret_fd)
{
	cleanup_close int fd = memfd_create("troupe-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct page *page;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, PAGE_BYTES) < 0)
		return -errno;
	/* A worker that made it shorter would have us killed by SIGBUS. */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	page->magic = PAGE_MAGIC;
	page->worker = process.worker;
	page->incarnation = process.incarnation;
	*ret_page = page;
	*ret_fd = take_fd(&fd);
	return 0;
}

void page_unmap(struct page *page)
{
	if (page)
		(void)munmap(page, PAGE_BYTES);
}
