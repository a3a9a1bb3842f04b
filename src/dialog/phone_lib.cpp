/* phone_lib.cpp - the little of libphonenumber that the dialog needs, for C. */
#include "dialog/phone_lib.h"

#include <cstring>
#include <phonenumbers/phonenumberutil.h>
#include <string>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

static bool copy_out(const std::string &text, char *out, unsigned long size)
{
	if (text.empty() || text.size() >= size)
		return false;
	std::memcpy(out, text.c_str(), text.size() + 1);
	return true;
}

/* A number outside the plan may be read in two ways; it is one only if its E.164 form says the same again. */
static bool reads_back(const PhoneNumberUtil &util, const std::string &e164)
{
	PhoneNumber again;
	std::string text;

	if (util.Parse(e164, "ZZ", &again) != PhoneNumberUtil::NO_PARSING_ERROR)
		return false;
	util.Format(again, PhoneNumberUtil::E164, &text);
	return text == e164 && util.IsPossibleNumberWithReason(again) == PhoneNumberUtil::IS_POSSIBLE;
}

enum phone_verdict phone_lib_check(const char *number, const char *region, char e164[PHONE_SIZE])
try {
	const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
	PhoneNumber parsed;
	std::string text;

	if (util.Parse(number, region, &parsed) != PhoneNumberUtil::NO_PARSING_ERROR)
		return PHONE_NONE;
	util.Format(parsed, PhoneNumberUtil::E164, &text);
	if (!copy_out(text, e164, PHONE_SIZE))
		return PHONE_NONE;
	if (util.IsValidNumber(parsed))
		return PHONE_VALID;
	return reads_back(util, text) ? PHONE_POSSIBLE : PHONE_NONE;
} catch (...) {
	return PHONE_NONE;
}

bool phone_lib_knows_region(const char *region)
try {
	return PhoneNumberUtil::GetInstance()->GetCountryCodeForRegion(region) != 0;
} catch (...) {
	return false;
}

bool phone_lib_example(const char *region, char *example, unsigned long size)
try {
	const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
	PhoneNumber number;
	std::string text;

	if (!util.GetExampleNumberForType(region, PhoneNumberUtil::MOBILE, &number))
		return false;
	util.Format(number, PhoneNumberUtil::INTERNATIONAL, &text);
	return copy_out(text, example, size);
} catch (...) {
	return false;
}
