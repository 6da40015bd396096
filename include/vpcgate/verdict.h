/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every way a frame can end, in one list: the datapath's enum, the CLI's text and the metric's
 * labels come from here. Compiled by both the kernel side and userspace.
 */
#ifndef VPCGATE_VERDICT_H
#define VPCGATE_VERDICT_H

/* X(verdict, reason, text): passes first, then drops. */
#define VG_OUTCOMES(X)                        \
	X(PASS, ESSENTIAL, "essential")       \
	X(PASS, NON_IP, "non-ip")             \
	X(PASS, OPEN, "open")                 \
	X(PASS, ADMITTED, "admitted")         \
	X(PASS, REPLY, "reply")               \
	X(PASS, RELATED, "related")           \
	X(DROP, MALFORMED, "malformed")       \
	X(DROP, NON_IP, "non-ip")             \
	X(DROP, MARTIAN, "martian")           \
	X(DROP, FRAGMENT, "fragment")         \
	X(DROP, NOT_ADMITTED, "not-admitted") \
	X(DROP, UNLISTED, "unlisted")

#define VG_OUTCOME_ENUM(verdict, reason, text) VG_##verdict##_##reason,
enum vg_outcome { VG_OUTCOMES(VG_OUTCOME_ENUM) VG_OUTCOME_MAX };
#undef VG_OUTCOME_ENUM

#define VG_DROP_FIRST VG_DROP_MALFORMED

/* X(verdict, text): what became of the frame. */
#define VG_VERDICTS(X)  \
	X(PASS, "pass") \
	X(DROP, "drop") \
	X(WOULD_DROP, "would-drop")

#define VG_VERDICT_ENUM(verdict, text) VG_VERDICT_##verdict,
enum vg_verdict { VG_VERDICTS(VG_VERDICT_ENUM) VG_VERDICT_MAX };
#undef VG_VERDICT_ENUM

/*
 * A counter row: one for each outcome, and after those one more for each drop that `monitor` let
 * pass (verdict would-drop, the same reason).
 */
#define VG_ROW_WOULD_DROP(outcome) (VG_OUTCOME_MAX + (outcome)-VG_DROP_FIRST)
#define VG_ROW_MAX (VG_OUTCOME_MAX + VG_OUTCOME_MAX - VG_DROP_FIRST)

#endif
