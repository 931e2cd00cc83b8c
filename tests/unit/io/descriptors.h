/* descriptors.h - how many descriptors this program has: what must be as many as before. */
#ifndef TEST_IO_DESCRIPTORS_H
#define TEST_IO_DESCRIPTORS_H

unsigned descriptors_count(void);

#endif
