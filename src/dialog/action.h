/* action.h - what can be done with a message: the actions of the step table. This room only.
 *
 * An action returns NULL when the message was applied, else the static reason why it changed nothing. */
#ifndef DIALOG_ACTION_H
#define DIALOG_ACTION_H

#include "dialog/turn.h"

typedef const char *action(struct dialog *d, const struct heard *h);

/* without a dialog */
action act_open, act_nothing_to_cancel;
/* at a field */
action act_answer, act_place, act_take_offer, act_decline_offer;
/* at the summary */
action act_order, act_choose_line, act_which_line;
/* after the order */
action act_after, act_remark, act_already_placed, act_status, act_change_after, act_again;
/* anywhere */
action act_chat, act_media, act_cancel, act_restart, act_back, act_help, act_operator, act_thanks, act_no_order,
    act_expire, act_ignore;

#endif
