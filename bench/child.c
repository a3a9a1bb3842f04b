/* child.c - the kernel sees to the end. */
#include "child.h"

#include "wire.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int child_start(void)
{
	pid_t parent = getpid(), child = fork();

	if (child < 0)
		wire_die("cannot start a process");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}
