// Documents as libconfig text: the file people edit. Writing is canonical: fields in the order of the description,
// elements in the order of the document, one form for each value, only what is set. So a file that Fulcrum has written
// once changes afterwards only where the configuration does.
//
// Comments survive. libconfig forgets them, so the scanner that runs before it keeps them (Reading::remarks), and they
// are tied to settings by line: a comment on lines of its own belongs to the setting that begins next, one behind a
// setting to that setting. They go where it goes, and go when it goes. The comment at the head of the file, before
// `version`, and the one at its end stay. What is not kept: blank lines, which marks a comment had (it gets #), how its
// lines were indented, and which of two comments around one setting came in which place inside its value.
#pragma once

#include <string>
#include <string_view>

#include "control/document/document.h"
#include "dataplane/base/settings.h"

namespace fulcrum::document {

std::string config_text(const Document& document);

// What a text read as (settings::read_text), as a document; only of a reading without problems. `object` is the struct
// it filled.
Document document_of(const Document::Shape& shape, const void* object, const settings::Reading& reading);

// A text straight to a document. Errors: all its problems, with lines.
Answer<Document> document_from_text(const Document::Shape& shape, std::string_view text, const std::string& name);

}  // namespace fulcrum::document
