/* page.c - serves the page's files; what they may load is fixed by the policy. */
#include "simulator/page.h"

#include "simulator/routes.h"

#include <stdio.h>

static void serve(struct sim_call *call, const char *type, struct slice bytes)
{
	call->status = 200;
	call->content_type = type;
	call->bytes = bytes;
	call->extra_name = "Content-Security-Policy";
	(void)snprintf(call->extra_value, sizeof call->extra_value, "%s",
	    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src *; "
	    "media-src *");
}

void sim_page_html(struct simulator *sim, struct sim_call *call)
{
	serve(call, "text/html; charset=utf-8", (struct slice){ sim_page_index_html, sim_page_index_html_size });
}

void sim_page_css(struct simulator *sim, struct sim_call *call)
{
	serve(call, "text/css; charset=utf-8", (struct slice){ sim_page_style_css, sim_page_style_css_size });
}

void sim_page_js(struct simulator *sim, struct sim_call *call)
{
	serve(call, "text/javascript; charset=utf-8", (struct slice){ sim_page_app_js, sim_page_app_js_size });
}

void sim_page_icon(struct simulator *sim, struct sim_call *call)
{
	serve(call, "image/svg+xml", (struct slice){ sim_page_icon_svg, sim_page_icon_svg_size });
}

void sim_page_photo(struct simulator *sim, struct sim_call *call)
{
	serve(call, "image/svg+xml", (struct slice){ sim_page_photo_svg, sim_page_photo_svg_size });
}

void sim_page_voice(struct simulator *sim, struct sim_call *call)
{
	serve(call, "audio/wav", (struct slice){ sim_page_voice_wav, sim_page_voice_wav_size });
}
