#pragma once
#include "cmake/precompiled.h"

#include <gtest/gtest.h>
