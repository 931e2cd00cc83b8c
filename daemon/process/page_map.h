/* page_map.h - making a worker's status page: a sealed memfd, mapped by both sides. Master
 * process, one thread. */
#ifndef PROCESS_PAGE_MAP_H
#define PROCESS_PAGE_MAP_H

#include "base/page.h"
#include "proto/process.h"

/* Both are given: page_unmap() the page, close the descriptor once it was sent. -EMFILE,
 * -ENOMEM. */
int page_map(struct process process, struct page **ret_page, int *ret_fd);
/* NULL is fine. */
void page_unmap(struct page *page);

#endif
