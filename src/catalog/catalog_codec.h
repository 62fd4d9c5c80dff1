#pragma once
// Catalog entries as records on disk (docs/state_layout.md): one writer and one reader each. A
// record begins with its version; an unknown one is an error.

#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace tidemark {

std::string encode_object(const CatalogObject& object);
Result<CatalogObject> decode_object(std::string_view bytes);

std::string encode_catalog(const CatalogInfo& info);
Result<CatalogInfo> decode_catalog(std::string_view bytes);

void append_options(const Options& options, std::string& out);
Options read_options(class ByteReader& in);

}  // namespace tidemark
