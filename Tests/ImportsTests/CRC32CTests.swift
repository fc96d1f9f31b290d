import Imports
import Testing
