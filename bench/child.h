/* child.h - a server in a process of its own, which ends when this one does. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

/* Forks; 0 in the child, which from then on ends with its parent. */
int child_start(void);

#endif
