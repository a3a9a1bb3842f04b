/* page.h - the page's files, compiled in (src/simulator/page). */
#ifndef SIMULATOR_PAGE_H
#define SIMULATOR_PAGE_H

#include <stddef.h>

extern const char sim_page_index_html[], sim_page_style_css[], sim_page_app_js[], sim_page_icon_svg[],
    sim_page_photo_svg[], sim_page_voice_wav[];
extern const size_t sim_page_index_html_size, sim_page_style_css_size, sim_page_app_js_size, sim_page_icon_svg_size,
    sim_page_photo_svg_size, sim_page_voice_wav_size;

#endif
