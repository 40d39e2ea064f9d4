/* The bus face of the manager: a private socket that needs no bus daemon, and the system bus where there is
 * one. It holds no rules: each method is one call of manager.h or host.h, each property one field of what
 * they show. */
#pragma once

#include <systemd/sd-event.h>

#include "manager/host.h"

struct bus;

/* A face that serves nobody yet. It exists before the host, because the host is born with its observer:
 *
 *	bus_new(event, &bus);
 *	host_new(&options, event, bus_observer(bus), &host, &failure);
 *	bus_serve(bus, host, runtime_directory, &failure);
 *
 * and is freed before the host. What the observer hears before bus_serve() is dropped: nobody has subscribed.
 *Takes a reference on EVENT. Returns 0 or a negative errno. */
int bus_new(sd_event *event, struct bus **ret);
struct bus *bus_free(struct bus *bus);
DEFINE_CLEANUP(struct bus *, bus_free);

/* For host_new(); lives as long as BUS. */
const struct manager_observer *bus_observer(struct bus *bus);

/* Listens on RUNTIME_DIRECTORY/bus (mode 0600, made anew) and, as root where a system bus listens, takes the
 * name org.svcd1 on it. HOST is not owned. A system bus that cannot be used is not an error:
 * bus_system_failure() tells why. */
int bus_serve(struct bus *bus, struct host *host, const char *runtime_directory, struct failure *failure);

/* Also serves as systemd: on its private socket (PATH is "/run/systemd/private"; its directory must exist)
 * and by its name on the system bus, unless somebody has that. For a machine or container whose init is svcd,
 * so that systemctl works. Both sockets serve both sets of names. Call after bus_serve(). */
int bus_serve_systemd(struct bus *bus, const char *path, struct failure *failure);

/* Why the system bus is not served; error is 0 when it is, or when it is not known yet: the bus is asked
 * without waiting for it. */
const struct failure *bus_system_failure(const struct bus *bus);

/* Sends the signals that wait for the end of the loop's iteration. Does not block. Call before the process
 * ends, then free. */
void bus_flush(struct bus *bus);
