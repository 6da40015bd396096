/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The SSH connection that this process is run over. */
#ifndef VPCGATE_SESSION_H
#define VPCGATE_SESSION_H

/*
 * "REMOTE PORT LOCAL PORT", a heap string, or NULL: there is none, or it can't be told. It is what
 * $SSH_CONNECTION says, of this process or, since sudo takes that away, of the nearest one that it
 * descends from; or else the connection of the sshd among those. /proc shows all of it to root.
 */
char *vg_session_find(void);

#endif
